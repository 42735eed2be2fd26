"""Check manifests and platform files without deploying anything. Everything that a check needs is imported by it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.names import MANIFEST
from alchemesh_platform.base.problems import Problem, ProblemsFound, errors_of, in_file_order

if TYPE_CHECKING:
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.documents.document import Node
    from alchemesh_platform.manifest.load import LoadedManifest, ReadManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.policies.results import PolicyResult

DEFAULT = "local"  # the environment of commands without -e
PLATFORM_FILE = "platform.yaml"


class Validation(NamedTuple):
    """The problems of some files.

    Args:
        files: The checked files.
        problems: The problems in file order, with those that policies report.
        not_evaluated: Policies without an answer, by the reason.
        code: 3 if a file has errors, 4 if only a policy forbids a product, None otherwise.
    """

    files: tuple[Path, ...]
    problems: tuple[Problem, ...]
    not_evaluated: dict[str, tuple[str, ...]]
    code: ExitCode | None


def validate(
    paths: Iterable[Path], environment: str | None = None, platform_file: Path | None = None, *, ask_mesh: bool = False
) -> Validation:
    """Check files, and manifests also together.

    Args:
        paths: Manifests, platform files, or folders: the manifest of a folder, or else every manifest below it.
        environment: The environment to check manifests for; by default every overlay, without a platform.
        platform_file: The platform file of the environment; by default the one beside the manifest or above.
        ask_mesh: Whether to read names and policies from the environment's registry.
    """
    files = tuple(dict.fromkeys(file for path in paths for file in _files(path)))
    check = _Check(environment, platform_file, ask_mesh)
    for file in files:
        check.add(file)
    check.add_together()
    problems = in_file_order(check.found | check.of_policies)
    code = ExitCode.PROBLEMS if errors_of(check.found) else ExitCode.FORBIDDEN if errors_of(problems) else None
    not_evaluated = {reason: tuple(sorted(policies)) for reason, policies in check.not_evaluated.items()}
    return Validation(files, tuple(problems), not_evaluated, code)


class _Check:
    """The findings about several files. Each problem is kept once."""

    def __init__(self, environment: str | None, platform_file: Path | None, ask_mesh: bool) -> None:
        self.environment = environment
        self.platform_file = platform_file
        self.ask_mesh = ask_mesh
        self.found: dict[Problem, None] = {}
        self.of_policies: dict[Problem, None] = {}
        self.not_evaluated: dict[str, set[str]] = {}
        self._trees: list[Node] = []  # of the manifests, which are also checked together

    def add(self, file: Path) -> None:
        """Check one file."""
        if file.name == PLATFORM_FILE or _is_platform(file):
            from alchemesh_platform.base.files.home import home
            from alchemesh_platform.platform_file.load import platform_problems

            self._take(platform_problems(file, home()))
            return
        from alchemesh_platform.catalog.discover import discover

        self._take(self._of_manifest(file, discover()))

    def add_together(self) -> None:
        """Check the manifests together."""
        if len(self._trees) > 1:
            from alchemesh_platform.manifest.cycles import check_together

            self._take(check_together(self._trees))

    def _take(self, problems: Iterable[Problem]) -> None:
        self.found |= dict.fromkeys(problems)

    def _take_results(self, results: Sequence[PolicyResult]) -> None:
        from alchemesh_platform.policies.results import unanswered

        self.of_policies |= dict.fromkeys(problem for result in results for problem in result.problems())
        for reason, policies in unanswered(results).items():
            self.not_evaluated.setdefault(reason, set()).update(policies)

    def _platform(self, file: Path, environment: str) -> Platform | ProblemsFound:
        from alchemesh_platform.app.where import Where, read_platform

        try:
            return read_platform(Where(file, environment, self.platform_file))
        except ProblemsFound as found:
            return found

    def _of_manifest(self, file: Path, catalog: Catalog) -> list[Problem]:
        from alchemesh_platform.compose.check import all_problems
        from alchemesh_platform.manifest.load import overlays, read_layers

        platform = self._platform(file, self.environment) if self.environment is not None else None
        problems: dict[Problem, None] = {}
        layers = (self.environment,) if self.environment is not None else (None, *overlays(file))
        try:
            manifests = read_layers(file, layers)
        except ProblemsFound as found:
            return [*found.problems, *(platform.problems if isinstance(platform, ProblemsFound) else ())]
        problems |= dict.fromkeys(_of_lock(file))
        choices = self._choices(file) if platform is None else {}
        for layer, read in zip(layers, manifests, strict=True):
            if layer in {None, self.environment}:
                self._trees.append(read.tree)
            chosen = partial(_chosen, choices, layer)
            problems |= dict.fromkeys(all_problems(read, platform, catalog, chosen=chosen))
            if not errors_of(problems) and platform is None and layer == (DEFAULT if DEFAULT in layers else None):
                problems |= dict.fromkeys(self._in_default(read, catalog))
            if not errors_of(problems):
                problems |= dict.fromkeys(self._of_mesh(read.loaded(), platform, layer))
        return list(problems)

    def _choices(self, manifest: Path) -> dict[str, dict[str, str]]:
        """The components that the manifest's platform file chooses, by environment; empty if there is no such file."""
        from alchemesh_platform.base.files.home import home
        from alchemesh_platform.platform_file.load import chosen_components, find_platform_file

        return chosen_components(self.platform_file or find_platform_file(manifest.parent.resolve()), home())

    def _in_default(self, read: ReadManifest, catalog: Catalog) -> list[Problem]:
        """The objections of components in the environment that `plan` uses by default, if the platform file has it.

        A component of another environment may be missing there, which is no problem of the manifest.
        """
        from alchemesh_platform.compose.check import objections_of
        from alchemesh_platform.compose.resolve import resolve

        platform = self._platform(read.path, DEFAULT)
        if isinstance(platform, ProblemsFound):
            return []
        return objections_of(read.loaded(), platform, resolve(read.tree, catalog, platform), look=True)

    def _of_mesh(
        self, manifest: LoadedManifest, platform: Platform | ProblemsFound | None, layer: str | None
    ) -> list[Problem]:
        """The problems of names that the mesh does not have. Findings of policies are kept separately."""
        from alchemesh_platform.app.manifest.offline import check_mesh, check_policies

        if platform is None or isinstance(platform, ProblemsFound):
            self._take_results(check_policies(manifest, environment=layer))
            return []
        if not self.ask_mesh:
            self._take_results(check_policies(manifest, platform))
            return []
        problems, results = check_mesh(manifest, platform)
        self._take_results(results)
        return problems


def _chosen(choices: dict[str, dict[str, str]], layer: str | None, component_type: str) -> list[str]:
    """The components of a type that a manifest can be deployed with.

    Args:
        choices: The component of each type, by environment.
        layer: The environment of an overlay; None for the manifest, which every environment may deploy.
        component_type: The component type.
    """
    environments = [layer] if layer in choices else sorted(choices, key=lambda name: name != DEFAULT)
    found = [choices[name].get(component_type, "") for name in environments]
    return list(dict.fromkeys(name for name in found if name))


def _is_platform(file: Path) -> bool:
    """Whether a file is a platform file with another name."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False  # reading the manifest reports it
    return re.search(r"^kind:[ \t]*[\"']?Platform\b", text, re.MULTILINE) is not None


def _of_lock(manifest: Path) -> Sequence[Problem]:
    """The problems of the lock next to a manifest."""
    if not manifest.with_suffix(".lock").exists():
        return ()
    from alchemesh_platform.manifest.lock import lock_path, read_lock

    try:
        read_lock(lock_path(manifest))
    except ProblemsFound as found:
        return found.problems
    return ()


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
