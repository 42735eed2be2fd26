"""`alchemesh validate`: report every problem of manifests and platform files at its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from alchemesh_cli.brief import brief
from alchemesh_cli.context import PLATFORM_VARIABLE, directory_option, json_option
from alchemesh_cli.terminal.seen import warned
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import Problem, ProblemsFound


@click.command(short_help="Report every problem of a manifest, each at its line.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(path_type=Path))
@directory_option
@click.option("-e", "--environment", help="Also check against this environment: overlay, components, settings.")
@click.option(
    "--platform",
    "platform_file",
    type=click.Path(path_type=Path),
    envvar=PLATFORM_VARIABLE,
    help="Platform file, with -e.  [default: platform.yaml beside the manifest or above]",
)
@click.option(
    "--mesh",
    "ask_mesh",
    is_flag=True,
    help="With -e: also check names and policies of the mesh, read from the environment's registry.",
)
@json_option
@brief()
def command(
    paths: tuple[Path, ...],
    directory: Path,
    environment: str | None,
    platform_file: Path | None,
    ask_mesh: bool,
    as_json: bool,
) -> ExitCode | None:
    """Report every problem of a manifest, each at its line.

    PATHS are manifests, platform files, or folders: the manifest of a folder, or else every manifest below it. The
    default is the manifest of this folder. Several manifests are also checked together: ports that one product reads
    from another must exist, and products must not read each other in a cycle.

    Without -e, checks everything that does not depend on an environment, with every overlay; arguments must fit a
    component that the platform file chooses. Evaluates the policies of the platform, and with -e those of the mesh as
    this machine last read them; --mesh reads them now. Exit code 3 means that there are errors, 4 that only policies
    forbid the product; warnings alone exit with 0.

    \b
    Examples:
      alchemesh validate
      alchemesh validate -e prod --mesh
      alchemesh validate products/
      alchemesh validate --json | jq '.problems[] | select(.severity == "error")'
    """
    if ask_mesh and environment is None:
        raise click.UsageError("--mesh needs an environment: -e")
    from alchemesh_platform.app.manifest.validate import validate

    files, problems, not_evaluated, code = validate(
        paths or (directory,), environment, platform_file, ask_mesh=ask_mesh
    )
    if as_json:
        from alchemesh_cli.documents import echo_json

        document = {
            "files": [str(file) for file in files],
            "problems": [problem.as_json() for problem in problems],
            "not_evaluated": not_evaluated,
        }
        echo_json("validation", document)
        return code
    if code == ExitCode.PROBLEMS:
        raise ProblemsFound(problems)
    for problem in problems:
        click.echo(warned(problem, end="\n"), err=True)
    if not_evaluated:
        from alchemesh_platform.policies.expression import CEL_MISSING

        for reason, policies in not_evaluated.items():
            # Without an environment, its facts are unknown. That is expected, so it is not reported.
            if environment is not None or reason.startswith(CEL_MISSING):
                click.echo(f"not evaluated: {', '.join(policies)}: {reason}", err=True)
    click.echo(_verdict(files, problems))
    return code


def _verdict(files: Sequence[Path], problems: Sequence[Problem]) -> str:
    what = str(files[0]) if len(files) == 1 else f"{len(files)} files"
    count = len(problems)
    return (
        f"{what}: no problems" if not count else f"{what}: {count} {'warning' if count == 1 else 'warnings'}, no errors"
    )
