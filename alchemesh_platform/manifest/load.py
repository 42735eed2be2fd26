"""Reads a manifest with its overlay and contract files, and reports every problem of them in one run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.names import ENVIRONMENT_PATTERN
from alchemesh_platform.base.problems import Location, Problem, ProblemsFound, errors_of
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.documents.document import Node, described, merge, quoted, written
from alchemesh_platform.documents.document import Path as DocumentPath
from alchemesh_platform.documents.kind import check_kind
from alchemesh_platform.documents.validate import validate
from alchemesh_platform.documents.yaml_source import read_document, shown
from alchemesh_platform.manifest.checks import check
from alchemesh_platform.manifest.models import DataProduct

MANIFEST_KIND = "DataProduct"
NO_MANIFEST_HINT = remedy("the folder of a data product has a manifest; {} writes one", command("init"))
_FIXED = ("name", "domain")  # the keys that identify the product in every environment


class UnknownEnvironmentName(Failure):
    """Raised when the name of an environment is not a valid name."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class LoadedManifest:
    """A manifest without errors, and the place of each value.

    Args:
        product: The content of the manifest.
        tree: The same as a document with places. The overlay and the contract files are merged in.
        root: Folder of the manifest.
        path: The manifest itself.
        files: Every file that was read.
        warnings: Problems that are allowed but probably unintended.
    """

    product: DataProduct
    tree: Node
    root: Path
    path: Path
    files: tuple[Path, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def locate(self, path: DocumentPath) -> Location:
        """The place where the value at a path begins, or the place of its nearest parent if the manifest omits it."""
        return self.tree.locate(path)


class ReadManifest(NamedTuple):
    """A manifest with its problems. It has a product if none of the problems is an error."""

    tree: Node
    path: Path
    files: tuple[Path, ...]
    problems: tuple[Problem, ...]
    product: DataProduct | None

    @property
    def root(self) -> Path:
        """Folder of the manifest."""
        return self.path.absolute().parent

    def loaded(self) -> LoadedManifest:
        """The manifest, if it has no errors.

        Raises:
            ProblemsFound: with every problem, warnings among them.
        """
        if self.product is None:
            raise ProblemsFound(self.problems)
        return LoadedManifest(self.product, self.tree, self.root, self.path, self.files, self.problems)


def load_manifest(path: Path, environment: str | None = None) -> LoadedManifest:
    """Read a manifest, with the overlay of the environment if there is one.

    Raises:
        ProblemsFound: with every problem of manifest, overlay and contract files.
    """
    return read_manifest(path, environment).loaded()


def read_manifest(path: Path, environment: str | None = None) -> ReadManifest:
    """Like :func:`load_manifest`, for callers that check for further problems.

    Raises:
        ProblemsFound: when a file holds no document: it is missing, not YAML, empty, or too large.
    """
    return read_layers(path, (environment,))[0]


def read_layers(path: Path, environments: Iterable[str | None]) -> list[ReadManifest]:
    """Read a manifest once, and merge the overlay of each environment; None for the manifest without an overlay.

    Raises:
        ProblemsFound: when the manifest holds no document.
    """
    tree, problems = read_document(path, if_missing=_above(path) or NO_MANIFEST_HINT)
    problems += check_kind(tree, MANIFEST_KIND)
    files = [path]
    tree = _with_contracts(tree, path, files, problems)
    return [_read_layer(path, tree, [*files], [*problems], environment) for environment in environments]


def _read_layer(
    path: Path, tree: Node, files: list[Path], problems: list[Problem], environment: str | None
) -> ReadManifest:
    over = None if environment is None else overlay_path(path, environment)
    if over is not None and over.is_file():
        tree = _with_overlay(tree, over, files, problems)
    product, more = validate(tree, DataProduct)
    problems += [problem for problem in more if problem.path != "kind"]
    problems += check(tree)
    return ReadManifest(tree, path, tuple(files), tuple(problems), None if errors_of(problems) else product)


def _above(path: Path) -> str | None:
    """A hint that names the manifest in a parent folder, for a user in a sub-folder of a product."""
    for folder in path.absolute().parent.parents:
        if (folder / path.name).is_file():
            above = shown(folder)
            return remedy(
                "there is {}: work in its folder, as in {} or {}",
                shown(folder / path.name),
                command("plan", "-C", above),
                command("validate", above),
            )
    return None


def overlay_path(manifest: Path, environment: str) -> Path:
    """The path of the overlay: ``alchemesh.<environment>.yaml``, next to ``alchemesh.yaml``."""
    if not re.fullmatch(ENVIRONMENT_PATTERN, environment):
        raise UnknownEnvironmentName(
            f"found {quoted(environment)}, expected the name of an environment",
            hint="small letters, digits and single hyphens, such as prod",
        )
    return manifest.with_name(f"{manifest.stem}.{environment}{manifest.suffix}")


def overlays(manifest: Path) -> dict[str, Path]:
    """The overlay of each environment that has one next to the manifest."""
    found: dict[str, Path] = {}
    for path in sorted(manifest.parent.glob(f"{manifest.stem}.*{manifest.suffix}")):
        environment = path.name.removeprefix(f"{manifest.stem}.").removesuffix(manifest.suffix)
        if re.fullmatch(ENVIRONMENT_PATTERN, environment) and path.is_file():
            found[environment] = path
    return found


def _with_overlay(tree: Node, over: Path, files: list[Path], problems: list[Problem]) -> Node:
    """Merge an overlay into the manifest."""
    files.append(over)
    try:
        layer, more = read_document(over)
    except ProblemsFound as found:
        problems += found.problems
        return tree
    problems += more
    if "kind" in layer.keys:
        problems += check_kind(layer, MANIFEST_KIND)
    layer = _with_contracts(layer, over, files, problems)
    problems += _of_another_product(tree, layer)
    return merge(tree, layer)


def _with_contracts(tree: Node, path: Path, files: list[Path], problems: list[Problem]) -> Node:
    """Replace the path of each contract file by the content of the file."""
    for place, port in tree.each("output_ports"):
        contract = port.keys.get("contract")
        if contract is None or contract.text is None:
            continue
        try:
            read, more = _contract(path, contract, (*place, "contract"), files)
            problems += more
        except ProblemsFound as found:
            problems += found.problems
            read = contract._replace(value=None, broken=True)
        port.value["contract"] = read._replace(key_line=contract.key_line, key_column=contract.key_column)
    return tree


def _contract(manifest: Path, reference: Node, place: DocumentPath, files: list[Path]) -> tuple[Node, list[Problem]]:
    folder, text = manifest.parent, str(reference.text)
    try:
        inside = (folder / text).resolve().is_relative_to(folder.resolve())
        found = (folder / text).is_file()
    except (OSError, ValueError):
        inside, found = True, False
    if not inside:
        message = f"found {quoted(text)}, expected a file in the folder of the manifest"
        raise ProblemsFound(
            [Problem(reference.location, written(place), message, "copy the contract beside the manifest")]
        )
    if not found:
        message = f"found {quoted(text)}, expected a YAML file or a contract written in place"
        raise ProblemsFound(
            [Problem(reference.location, written(place), message, "a path starts from the folder of the manifest")]
        )
    files.append(folder / text)
    return read_document(folder / text)


def _of_another_product(base: Node, over: Node) -> list[Problem]:
    problems = []
    for key in _FIXED:
        before, after = base.keys.get(key), over.keys.get(key)
        if before is not None and after is not None and before.value != after.value:
            problems.append(
                Problem(
                    after.key_location,
                    key,
                    f"found {described(after.value)}, expected {described(before.value)} as in {before.file}",
                    "a product has the same name and domain in every environment: leave the key out",
                )
            )
    return problems
