"""`alchemesh ci`: pipelines of merge requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.ci.affected import command as affected
from alchemesh_cli.ci.init import command as init

if TYPE_CHECKING:
    from alchemesh_cli.render.review.document import ReadPreviews
    from alchemesh_platform.forges.heal import Posted
    from alchemesh_platform.forges.place import Place


FORK_NOTE = "a job with the code of a fork computed this preview, without credentials; check the changed files, too"


@click.group(short_help="Write pipelines, and comment on merge requests.")
def command() -> None:
    """Write pipelines, and comment on merge requests.

    \b
    Examples:
      alchemesh ci init github -e dev -e prod
      alchemesh preview --affected-by origin/main -e prod --format github --save preview.json
      alchemesh ci comment preview.json
    """


def _key(_context: click.Context, _option: click.Parameter, value: str) -> str:
    from alchemesh_platform.forges.heal import KEY

    if not KEY.fullmatch(value):
        raise click.BadParameter("at most 40 small letters, digits and hyphens")
    return value


@command.command(short_help="Post the comment of a preview on its merge request.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--number", type=click.IntRange(1), help="Number of the merge request.  [default: from the event]")
@click.option(
    "--key", default="preview", show_default=True, callback=_key, help="Name of the comment; each has its own."
)
@click.option("--timeout", type=click.IntRange(1, 3600), help="Seconds to wait for a forge.  [default: 300]")
def comment(file: Path, number: int | None, key: str, timeout: int | None) -> int:
    """Post the comment of a preview on its merge request, on GitHub or GitLab.

    FILE is the document of `alchemesh preview --save`. A merge request has one comment: the command updates it, removes
    copies, and leaves it as it is if a newer run has written it. Without changes, the comment says so; without any
    previewed product, the command only replaces an older comment. If FILE does not exist, the comment says that the
    preview did not finish, and the exit code is 1. It also says so if FILE is no such document, with exit code 2.

    The merge request comes from the variables of the job and the event that started it, never from FILE. The token
    comes from GITHUB_TOKEN or GITLAB_TOKEN, and is never printed. FILE may come from a fork: it is checked, and its
    text is shown as text.

    \b
    Examples:
      alchemesh ci comment preview.json
      alchemesh ci comment drift.json --key drift
    """
    from alchemesh_cli.render.review.document import NoPreviews, parse_previews
    from alchemesh_cli.render.review.formats import comment_of, unfinished
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.review.comment import post_comment
    from alchemesh_platform.base.failure import ExitCode
    from alchemesh_platform.forges.place import place_of

    place = place_of(number=number)
    read: ReadPreviews | None = None
    damaged: NoPreviews | None = None
    if file.exists():
        try:
            read = parse_previews(file.read_bytes(), str(file))
        except NoPreviews as found:
            damaged = found
    if read is not None:
        notes = (*read.notes, FORK_NOTE) if place.is_fork else read.notes
        read = read.model_copy(update={"commit": place.commit or read.commit, "notes": notes})
    text = unfinished(place.commit) if read is None else comment_of(read, place.forge)
    with interruptible() as cancel:
        empty = read is not None and not (read.previews or read.removed)
        posted = post_comment(place, text, key=key, only_replace=empty, longest=timeout, cancel=cancel)
    click.echo(_words(posted, place))
    if damaged is not None:
        raise damaged
    return ExitCode.FAILED if read is None else ExitCode.DONE


def _words(posted: Posted, place: Place) -> str:
    """The result in one line."""
    number = "" if place.number is None else f" on {'#' if place.forge == 'github' else '!'}{place.number}"
    words = {
        "created": f"comment created{number}",
        "updated": f"comment updated{number}",
        "unchanged": f"comment unchanged{number}",
        "outdated": f"comment not changed{number}: a newer run or a newer commit is there",
        "nothing": f"no comment{number}: there is nothing to say, or the merge request is closed",
    }[posted.act]
    copies = f", {posted.removed} {'copy' if posted.removed == 1 else 'copies'} removed" if posted.removed else ""
    return f"{words}{copies}"


command.add_command(affected, "affected")
command.add_command(init, "init")
