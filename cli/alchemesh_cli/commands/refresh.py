"""`alchemesh refresh`: update the recorded state from the deployed resources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import json_option, where_options
from alchemesh_cli.options import (
    parallel_option,
    review_format_option,
    take_over_option,
    written_file_option,
    yes_option,
)

if TYPE_CHECKING:
    import threading

    from alchemesh_platform.app.events import Listener
    from alchemesh_platform.app.where import Composed, Where
    from alchemesh_platform.deployment.report.outcome import Outcome


@click.command(short_help="Update the recorded state from the deployed resources.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(path_type=Path))
@where_options
@json_option
@yes_option
@parallel_option
@take_over_option
@click.option("--preview-only", is_flag=True, help="Show the drift, and record nothing. It asks no question.")
@click.option("--all", "every", is_flag=True, help="With --preview-only: every deployed product of the environment.")
@review_format_option("With --preview-only: form of the output, as of `preview`.")
@written_file_option("--save", "With --preview-only: also write the JSON document.")
@click.option(
    "--detailed-exitcode", is_flag=True, help="With --preview-only: exit with 10 if there is drift, with 0 if not."
)
def command(
    paths: tuple[Path, ...],
    where: Where,
    as_json: bool,
    confirmed: bool,
    parallel: int | None,
    take_over: str | None,
    preview_only: bool,
    every: bool,
    form: str,
    save: Path | None,
    detailed_exitcode: bool,
) -> int:
    """Update the recorded state from the deployed resources.

    Records resources that were changed or removed by hand. Changes no resource; the next `up` corrects the drift.

    With --preview-only, it shows the drift and records nothing: each resource that was changed or removed by hand, with
    its properties, and with the author and the time where the service records them. Differences that follow from
    normal work, such as new rows, are listed apart and are no drift. PATHS are several products, and --all is every
    product that the registry of the environment has. A job gets these exit codes with --detailed-exitcode: 0 without
    drift, 10 with drift, 1 if a resource cannot be read, 5 if another run holds the lock, 7 if the product is not
    deployed, or with --all no product. Of several products, a failure counts first.

    \b
    Examples:
      alchemesh refresh
      alchemesh refresh -e prod --preview-only
      alchemesh refresh -e prod --preview-only --all --detailed-exitcode --format github    # in a scheduled job
    """
    several = bool(paths) or every or form != "tree" or save is not None
    if not preview_only and (several or detailed_exitcode):
        raise click.UsageError("PATHS, --all, --format, --save and --detailed-exitcode need --preview-only")
    if preview_only and take_over is not None:
        raise click.UsageError("--take-over and --preview-only exclude each other: nothing is recorded")
    if paths and every:
        raise click.UsageError("PATHS and --all exclude each other")
    if as_json and form not in ("tree", "json"):
        raise click.UsageError("--json and --format exclude each other")
    if several:
        shown_as = "json" if as_json else form
        return _several(where, paths, parallel, every=every, form=shown_as, save=save, detailed=detailed_exitcode)
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.asking import confirm
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.product.deploy import find_drift, refresh
    from alchemesh_platform.app.where import read_product
    from alchemesh_platform.identity.identify import identify

    product = read_product(where)
    if preview_only:
        with interruptible() as cancel, showing(where, "refresh", as_json=as_json) as shown:
            found = find_drift(product, parallel=parallel, listen=shown, cancel=cancel)
        return found.exit_code(detailed=detailed_exitcode)
    confirm(f"Record the current state of {product.plan.product.address} in {where.environment}?", confirmed)
    actor = identify(product.platform)
    with interruptible() as cancel, showing(where, "refresh", as_json=as_json) as shown:
        done = refresh(product, actor, parallel=parallel, take_over=take_over, listen=shown, cancel=cancel)
    return done.exit_code()


def _several(
    where: Where,
    paths: tuple[Path, ...],
    parallel: int | None,
    *,
    every: bool,
    form: str,
    save: Path | None,
    detailed: bool,
) -> int:
    """The drift of several products, in one document."""
    from alchemesh_cli.commands.preview import show
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.product.deploy import find_drift
    from alchemesh_platform.app.review.previews import asked_for, deployed_in, previews
    from alchemesh_platform.base.failure import ExitCode
    from alchemesh_platform.base.remedy import PROGRAM

    def act(product: Composed, listen: Listener, cancel: threading.Event) -> Outcome:
        return find_drift(product, parallel=parallel, listen=listen, cancel=cancel)

    platform_file, emulated = where.platform_file, where.emulated
    folders = paths or (where.directory,)
    if every:
        asked = deployed_in(where)
    else:
        asked = asked_for(folders, (where.environment,), platform_file=platform_file, emulated=emulated)
    again = [PROGRAM, "refresh", "--preview-only", "-e", where.environment]
    again += ["--all"] if every else [path.as_posix() for path in paths]
    again += ["-C", where.directory.as_posix()] if where.directory != Path() and not paths else []
    again += ["--platform", platform_file.as_posix()] if platform_file is not None else []
    again += ["--emulate"] if emulated else []
    notes = () if asked else (f"nothing is deployed in {where.environment}",)
    with interruptible() as cancel:
        done = previews(asked, act=act, look=False, again=again, notes=notes, cancel=cancel)
    show(done, form, save, {})
    if not asked and detailed:
        return ExitCode.UNRECORDED
    return done.exit_code(detailed=detailed)
