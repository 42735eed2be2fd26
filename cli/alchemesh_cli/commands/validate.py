"""`alchemesh validate`: report every problem of manifests and platform files at its line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.brief import brief
from alchemesh_cli.context import PLATFORM_VARIABLE, json_option
from alchemesh_cli.context_options import with_context_options
from alchemesh_platform.app.where import MANIFEST
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import Problem, ProblemsFound, errors_of, in_file_order

if TYPE_CHECKING:
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.documents.document import Node
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.policies.results import PolicyResult

PLATFORM_FILE = "platform.yaml"


@click.command(short_help="Report every problem of a manifest, each at its line.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(path_type=Path))
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
    paths: tuple[Path, ...], environment: str | None, platform_file: Path | None, ask_mesh: bool, as_json: bool
) -> ExitCode | None:
    """Report every problem of a manifest, each at its line.

    PATHS are manifests, platform files, or folders: the manifest of a folder, or else every manifest below it. The
    default is the manifest of this folder. Several manifests are also checked together: ports that one product reads
    from another must exist, and products must not read each other in a cycle.

    Without -e, checks everything that does not depend on an environment, with every overlay. Evaluates the policies of
    the platform, and with -e those of the mesh as this machine last read them; --mesh reads them now. Exit code 3
    means that there are errors, 4 that only policies forbid the product; warnings alone exit with 0.

    \b
    Examples:
      alchemesh validate
      alchemesh validate -e prod --mesh
      alchemesh validate products/
      alchemesh validate --json | jq '.problems[] | select(.severity == "error")'
    """
    if ask_mesh and environment is None:
        raise click.UsageError("--mesh needs an environment: -e")
    found: dict[Problem, None] = {}
    asked = Asked(environment, platform_file, ask_mesh)
    trees: list[Node] = []
    files = list(dict.fromkeys(file for path in paths or (Path(),) for file in _files(path)))
    for file in files:
        found |= dict.fromkeys(_problems(file, asked, trees))
    if len(trees) > 1:
        from alchemesh_platform.manifest.cycles import check_together

        found |= dict.fromkeys(check_together(trees))
    from alchemesh_platform.policies.expression import CEL_MISSING

    problems = in_file_order(found | dict.fromkeys(asked.of_policies))
    code = ExitCode.PROBLEMS if errors_of(found) else ExitCode.FORBIDDEN if errors_of(problems) else None
    if as_json:
        document = {
            "files": [str(file) for file in files],
            "problems": [problem.as_json() for problem in problems],
            "not_evaluated": {reason: sorted(policies) for reason, policies in asked.not_evaluated.items()},
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return code
    if code == ExitCode.PROBLEMS:
        raise ProblemsFound(problems)
    for problem in problems:
        click.echo(f"{with_context_options(problem)}\n", err=True)
    for reason, policies in asked.not_evaluated.items():
        # Without an environment, its facts are unknown. That is expected, so it is not reported.
        if environment is None and not reason.startswith(CEL_MISSING):
            continue
        click.echo(f"not evaluated: {', '.join(sorted(policies))}: {reason}", err=True)
    click.echo(_verdict(files, problems))
    return code


@dataclass(slots=True)
class Asked:
    """The environment for the checks of manifests, and the findings of policies."""

    environment: str | None
    platform_file: Path | None
    ask_mesh: bool
    of_policies: dict[Problem, None] = field(default_factory=dict)
    not_evaluated: dict[str, set[str]] = field(default_factory=dict)

    def take(self, results: Iterable[PolicyResult]) -> None:
        """Add the findings of policies on one manifest."""
        from alchemesh_platform.policies.results import unanswered

        results = list(results)
        self.of_policies |= dict.fromkeys(problem for result in results for problem in result.problems())
        for reason, policies in unanswered(results).items():
            self.not_evaluated.setdefault(reason, set()).update(policies)


def _files(path: Path) -> Iterator[Path]:
    """The manifests of a path; if there are none, the expected manifest."""
    if not path.is_dir() or (path / MANIFEST).is_file():
        yield path / MANIFEST if path.is_dir() else path
        return
    below: list[Path] = []
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]  # hidden folders are skipped
        if MANIFEST in files:
            below.append(Path(folder, MANIFEST))
    yield from sorted(below) or [path / MANIFEST]


def _problems(file: Path, asked: Asked, trees: list[Node]) -> Iterable[Problem]:
    """The problems of one file. The document of a manifest is added to ``trees``, which are checked together."""
    if file.name == PLATFORM_FILE:
        from alchemesh_platform.base.home import home
        from alchemesh_platform.platform_file.load import platform_problems

        return platform_problems(file, home())
    from alchemesh_platform.catalog.discover import discover

    return _of_manifest(file, asked, discover(), trees)


def _of_manifest(file: Path, asked: Asked, catalog: Catalog, trees: list[Node]) -> list[Problem]:
    from alchemesh_platform.compose.check import all_problems
    from alchemesh_platform.manifest.load import overlays, read_manifest

    environment = asked.environment
    platform: Platform | ProblemsFound | None = None
    if environment is not None:
        from alchemesh_platform.app.where import Where, read_platform

        try:
            platform = read_platform(Where(file, environment, asked.platform_file))
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
        if not errors_of(problems):
            problems |= dict.fromkeys(_of_mesh(read.loaded(), platform, layer, asked))
    return list(problems)


def _of_mesh(
    manifest: LoadedManifest, platform: Platform | ProblemsFound | None, layer: str | None, asked: Asked
) -> list[Problem]:
    """The problems of names that the mesh does not have. Findings of policies are added to ``asked``."""
    from alchemesh_platform.app.offline import check_mesh, check_policies

    if platform is None or isinstance(platform, ProblemsFound):
        asked.take(check_policies(manifest, environment=layer))
        return []
    if not asked.ask_mesh:
        asked.take(check_policies(manifest, platform))
        return []
    problems, results = check_mesh(manifest, platform)
    asked.take(results)
    return problems


def _verdict(files: list[Path], problems: list[Problem]) -> str:
    what = str(files[0]) if len(files) == 1 else f"{len(files)} files"
    count = len(problems)
    return (
        f"{what}: no problems" if not count else f"{what}: {count} {'warning' if count == 1 else 'warnings'}, no errors"
    )
