"""`alchemesh preview`: the changes that `up` would make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.context import directory_option, emulate_option, json_option, platform_option
from alchemesh_cli.context_options import remember_each
from alchemesh_cli.options import parallel_option, review_format_option, target_option, written_file_option

if TYPE_CHECKING:
    from alchemesh_platform.app.review.previews import Act, Previewed, Previews, Removed
    from alchemesh_platform.app.where import Where


@click.command(short_help="Show the changes that `up` would make.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(path_type=Path))
@directory_option
@click.option(
    "-e",
    "--environment",
    "environments",
    multiple=True,
    callback=remember_each,
    help="Environment; repeatable.  [default: local]",
)
@platform_option("platform.yaml here, or above in the git repository")
@emulate_option
@json_option
@target_option
@parallel_option
@review_format_option("Form of the output; github and gitlab are comments for a merge request.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The same as --format markdown.")
@written_file_option("--save", "Also write the JSON document to a file.")
@written_file_option("--gitlab-report", "Also write GitLab's Terraform report: the numbers of changes.")
@written_file_option("--gitlab-quality", "Also write GitLab's code quality report: the problems at their lines.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Number of previews at a time.  [default: processors, up to 4]"
)
@click.option(
    "--affected-by",
    metavar="BASE",
    help="Only products that differ from a branch or commit, such as origin/main, or that read a changed port.",
)
@click.option(
    "--offline",
    is_flag=True,
    help="Use no engine, plugin, network or credentials, as in a merge request from a fork.",
)
@click.option("--strict", is_flag=True, help="Refuse a change that must wait for consumers, with exit code 4.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 10 if there are changes, with 0 if there are none.")
def command(
    paths: tuple[Path, ...],
    directory: Path,
    environments: tuple[str, ...],
    platform_file: Path | None,
    emulated: bool,
    as_json: bool,
    targets: tuple[str, ...],
    parallel: int | None,
    form: str,
    as_markdown: bool,
    save: Path | None,
    gitlab_report: Path | None,
    gitlab_quality: Path | None,
    jobs: int | None,
    affected_by: str | None,
    offline: bool,
    strict: bool,
    detailed_exitcode: bool,
) -> int:
    """Show the changes that `up` would make: resources by port, assets and contracts, property by property.

    Each contract change is classified by its effect on consumers. Exit code 4 means that `up` would refuse: a version
    is too low, or a lifecycle step is not allowed. A change that has to wait for a notice period is a warning; with
    --strict it fails with exit code 4. Exit code 7, with --strict or --detailed-exitcode, means that nothing is
    recorded to compare with: the product is new here, or this machine does not reach the environment's registry.

    PATHS are manifests, or folders with a manifest; by default the product of this folder. Several products and
    environments are previewed at the same time, and the failure of one hides no other. The exit code is that of the
    gravest one.

    With --affected-by, the products of the whole repository, or those below PATHS, are compared with BASE by git. A
    product is affected if its manifest, the overlay of the environment, its code, its lock or its platform file
    changed, or the contract of a port that it reads. Each preview names the reasons.

    With --offline, the product's program runs in this process: each resource of a first deployment, the problems of
    manifest and policies, and with --affected-by the changes of contracts against BASE. The notes name everything that
    only the state, the registry or a cloud knows.

    For a merge request, --format github prints a comment, adds it to the summary of the job, and annotates each problem
    at its line. --format gitlab prints a comment; --gitlab-report and --gitlab-quality write the reports that GitLab
    reads from artifacts. No format needs a token. To post the comment, use --save and `alchemesh ci comment`.

    \b
    Examples:
      alchemesh preview
      alchemesh preview -e prod --detailed-exitcode
      alchemesh preview products/* -e dev -e prod --format markdown
      alchemesh preview --affected-by origin/main -e prod
      alchemesh preview products/* -e prod --strict --format github --save preview.json   # in a merge request
    """
    from alchemesh_platform.app.where import Where

    if as_json and (as_markdown or form not in ("tree", "json")):
        raise click.UsageError(f"--json and {'--markdown' if as_markdown else '--format'} exclude each other")
    if as_markdown:
        form = "markdown"
    names = environments or ("local",)
    one = not paths and len(names) == 1 and affected_by is None and not offline
    reports: dict[Path, Callable[[Any], str]] = _reports(gitlab_report, gitlab_quality)
    if one and form == "tree" and save is None and not reports:
        where = Where(directory, names[0], platform_file, emulated)
        return _alone(where, targets, parallel, as_json=as_json, strict=strict, detailed=detailed_exitcode)
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.review.commit import commit_of
    from alchemesh_platform.app.review.previews import asked_for, previews

    asked, notes = asked_for(paths or (directory,), names, platform_file=platform_file, emulated=emulated), list[str]()
    removed: tuple[Removed, ...] = ()
    if affected_by is not None:
        from alchemesh_platform.app.review.affected import asked_by

        asked, notes, removed = asked_by(
            affected_by,
            directory,
            names,
            paths=paths,
            platform_file=platform_file,
            emulated=emulated,
            offline=offline,
        )
    act: Act | None = None
    if offline:
        if targets:
            raise click.UsageError("--offline and --target exclude each other")
        from alchemesh_platform.app.review.offline import OfflinePreview

        act = OfflinePreview.since(affected_by, directory)
        asked = [replace(each, offline=True) for each in asked]
    with interruptible() as cancel:
        done = previews(
            asked,
            act=act,
            strict=strict,
            targets=targets,
            parallel=parallel,
            jobs=jobs,
            commit=commit_of(folder=directory if directory.is_dir() else directory.parent),
            again=[
                *_again(paths, directory, names, platform_file, emulated, affected_by),
                *(["--offline"] if offline else []),
            ],
            notes=notes,
            removed=removed,
            listen=partial(_tell, form=form),
            cancel=cancel,
        )
    show(done, "json" if as_json else form, save, reports)
    return done.exit_code(detailed=detailed_exitcode, strict=strict)


def _alone(
    where: Where, targets: tuple[str, ...], parallel: int | None, *, as_json: bool, strict: bool, detailed: bool
) -> int:
    """One product, with its tree drawn while it is previewed."""
    from alchemesh_cli.render.run.events import showing
    from alchemesh_cli.terminal.interrupts import interruptible
    from alchemesh_platform.app.product.deploy import preview
    from alchemesh_platform.app.where import read_product

    product = read_product(where, look=True)
    with interruptible() as cancel, showing(where, "preview", as_json=as_json) as shown:
        done = preview(product, targets=targets, parallel=parallel, strict=strict, listen=shown, cancel=cancel)
    return done.exit_code(detailed=detailed, strict=strict)


def _reports(report: Path | None, quality: Path | None) -> dict[Path, Callable[[Any], str]]:
    from alchemesh_cli.render.review.reports import quality_report, terraform_report

    written = {report: terraform_report, quality: quality_report}
    return {file: render for file, render in written.items() if file is not None}


def _again(
    paths: tuple[Path, ...],
    directory: Path,
    environments: tuple[str, ...],
    platform_file: Path | None,
    emulated: bool,
    affected_by: str | None,
) -> list[str]:
    """The words of the command that repeats the previews."""
    from alchemesh_platform.base.remedy import PROGRAM

    words = [PROGRAM, "preview", *(path.as_posix() for path in paths)]
    words += ["-C", directory.as_posix()] if directory != Path() else []
    words += [word for environment in environments for word in ("-e", environment)]
    words += ["--platform", platform_file.as_posix()] if platform_file is not None else []
    words += [f"--affected-by={affected_by}"] if affected_by is not None else []
    return [*words, "--emulate"] if emulated else words


def _tell(one: Previewed, *, form: str) -> None:
    """Report one finished preview, on stderr."""
    from alchemesh_cli.render.review.document import ReadPreview
    from alchemesh_cli.render.review.ports import title
    from alchemesh_cli.render.review.verdict import judge
    from alchemesh_cli.render.run.events import report
    from alchemesh_platform.base.printable import one_line

    read = ReadPreview.model_validate(one.as_json())
    verdict = judge(read)
    report(_for_log(f"{verdict.sign} {title(read, one_line)}: {verdict.sentence}", form))


def _for_log(text: str, form: str) -> str:
    """A text for the log of a job. GitHub's runner reads ``##[…]`` in a line as a command."""
    return text.replace("##[", "# #[") if form == "github" else text


def show(done: Previews, form: str, save: Path | None, reports: dict[Path, Callable[[Any], str]]) -> None:
    """Print previews in a format, and write the files that were asked for."""
    from alchemesh_cli.documents import json_text
    from alchemesh_cli.render.review.document import read_previews

    document = done.as_json()
    text = json_text("previews", document)
    if save is not None:
        _write(save, f"{text}\n")
    if form == "tree":
        _trees(done)
    elif form == "json":
        click.echo(text)
    if form in ("tree", "json") and not reports:
        return
    read = read_previews(document)
    for file, render in reports.items():
        _write(file, f"{render(read)}\n")
    if form == "diff":
        from alchemesh_cli.render.review.diff import diff

        click.echo(diff(read))
    elif form in ("markdown", "github", "gitlab"):
        from alchemesh_cli.render.review.formats import comment_of, github_lines

        comment = comment_of(read, form)
        click.echo(_for_log(comment, form))
        for line in github_lines(read, comment) if form == "github" else ():
            click.echo(line, err=True)


def _write(file: Path, text: str) -> None:
    """Write a file in one step: the next job must not read a part of it."""
    from alchemesh_platform.base.files.writing import write_text

    target = file.resolve()
    if target.exists() and not target.is_file():  # a pipe, or a device
        file.write_text(text, "utf-8")
    else:
        write_text(target, text, mode=0o644)


def _trees(done: Previews) -> None:
    """One tree after the other, each with its problems; then the facts about all of them."""
    from alchemesh_cli.context_options import with_context_options
    from alchemesh_cli.render.run.drift import drift_lines
    from alchemesh_cli.render.run.events import report
    from alchemesh_cli.render.run.live import Screen

    shown: set[str] = set()  # a problem of the manifest is the same in every environment
    several = Counter(note for one in done.each for note in dict.fromkeys(_notes_of(one)))
    for one in done.each:
        if one.asked.reasons:
            report(f"{one.asked.folder}: {'; '.join(one.asked.reasons)}")
        if one.outcome is not None and one.outcome.preview_only:
            click.echo("\n".join((*drift_lines(one.outcome), "")))
        elif one.outcome is not None and one.plan is not None:
            Screen(one.outcome.progress, one.plan, one.outcome.operation).finish(one.outcome, "")
            click.echo()
        for note in _notes_of(one):
            if several[note] == 1:
                report(f"note: {with_context_options(note)}")
        found = (*one.problems, *((*one.outcome.problems, *one.outcome.forbidden) if one.outcome is not None else ()))
        for text in dict.fromkeys(str(with_context_options(problem)) for problem in found):
            if text not in shown:
                click.echo(f"{text}\n", err=True)
            shown.add(text)
        if one.failure is not None and not one.problems:
            hint = f"\n\nhint: {with_context_options(one.failure.hint)}" if one.failure.hint else ""
            where = one.asked.where
            name = one.address or one.asked.folder
            click.echo(f"error: {name} {where.environment}: {one.failure.message}{hint}\n", err=True)
    for note in (*(note for note, number in several.items() if number > 1), *done.notes):
        report(f"note: {with_context_options(note)}")


def _notes_of(one: Previewed) -> tuple[str, ...]:
    """The notes of a product. Those of a comparison are among its lines."""
    return one.outcome.notes if one.outcome is not None and not one.outcome.preview_only else ()
