"""`alchemesh validate`: every problem of manifests and platform files, each at its line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.brief import brief
from alchemesh_cli.context import MANIFEST, PLATFORM_VARIABLE, json_option
from alchemesh_platform.failure import ExitCode
from alchemesh_platform.problems import Problem, ProblemsFound, errors_of, in_file_order

if TYPE_CHECKING:
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.document import Node
    from alchemesh_platform.platform_file.models import Platform

PLATFORM_FILE = "platform.yaml"


@click.command(short_help="Report every problem of a manifest, each at its line.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(path_type=Path))
@click.option("-e", "--environment", help="Hold it against this environment too: overlay, components, settings.")
@click.option(
    "--platform",
    "platform_file",
    type=click.Path(path_type=Path),
    envvar=PLATFORM_VARIABLE,
    help="Platform file, with -e.  [default: platform.yaml beside the manifest or above]",
)
@json_option
@brief()
def command(
    paths: tuple[Path, ...], environment: str | None, platform_file: Path | None, as_json: bool
) -> ExitCode | None:
    """Report every problem of a manifest, each at its line.

    PATHS are manifests, platform files, or folders: of a folder its manifest, or else all that lie below it. By
    default the manifest of this folder. Several manifests are also held against each other: ports that one reads from
    another must be there, and products must not read each other in a circle.

    Without -e, what is true in every environment is checked, with every overlay. Exit code 3 says that there are
    errors; warnings alone leave it at 0.

    \b
    Examples:
      alchemesh validate
      alchemesh validate -e prod
      alchemesh validate products/
      alchemesh validate --json | jq '.problems[] | select(.severity == "error")'
    """
    found: dict[Problem, None] = {}
    trees: list[Node] = []
    files = list(dict.fromkeys(file for path in paths or (Path(),) for file in _files(path)))
    for file in files:
        found |= dict.fromkeys(_problems(file, environment, platform_file, trees))
    if len(trees) > 1:
        from alchemesh_platform.manifest.cycles import check_together

        found |= dict.fromkeys(check_together(trees))
    problems = in_file_order(found)
    if as_json:
        document = {"files": [str(file) for file in files], "problems": [problem.as_json() for problem in problems]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return ExitCode.PROBLEMS if errors_of(problems) else None
    if errors_of(problems):
        raise ProblemsFound(problems)
    for problem in problems:
        click.echo(f"{problem}\n", err=True)
    click.echo(_verdict(files, problems))
    return None


def _files(path: Path) -> Iterator[Path]:
    """The manifests that a path stands for; the manifest that should be there, where there is none."""
    if not path.is_dir() or (path / MANIFEST).is_file():
        yield path / MANIFEST if path.is_dir() else path
        return
    below: list[Path] = []
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]  # what is hidden is not gone through
        if MANIFEST in files:
            below.append(Path(folder, MANIFEST))
    yield from sorted(below) or [path / MANIFEST]


def _problems(file: Path, environment: str | None, platform_file: Path | None, trees: list[Node]) -> Iterable[Problem]:
    """What is wrong with one file; a manifest's document is added to those that are held against each other."""
    if file.name == PLATFORM_FILE:
        from alchemesh_platform.home import home
        from alchemesh_platform.platform_file.load import platform_problems

        return platform_problems(file, home())
    from alchemesh_platform.catalog.discover import discover

    return _of_manifest(file, environment, platform_file, discover(), trees)


def _of_manifest(
    file: Path, environment: str | None, platform_file: Path | None, catalog: Catalog, trees: list[Node]
) -> list[Problem]:
    from alchemesh_platform.compose.check import all_problems
    from alchemesh_platform.manifest.load import overlays, read_manifest

    platform: Platform | ProblemsFound | None = None
    if environment is not None:
        from alchemesh_cli.context import load_platform_for

        try:
            platform = load_platform_for(file, environment, platform_file)
        except ProblemsFound as found:
            platform = found
    problems: dict[Problem, None] = {}
    for layer in (environment,) if environment is not None else (None, *overlays(file)):
        try:
            read = read_manifest(file, layer)
        except ProblemsFound as found:
            return [*found.problems, *(platform.problems if isinstance(platform, ProblemsFound) else ())]
        if layer in {None, environment}:
            trees.append(read.tree)
        problems |= dict.fromkeys(all_problems(read, platform, catalog))
    return list(problems)


def _verdict(files: list[Path], problems: list[Problem]) -> str:
    what = str(files[0]) if len(files) == 1 else f"{len(files)} files"
    count = len(problems)
    return (
        f"{what}: no problems" if not count else f"{what}: {count} {'warning' if count == 1 else 'warnings'}, no errors"
    )
