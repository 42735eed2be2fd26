"""The components of a package: its project file, their specs, and their case files."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.installed import EntryPoint, load_offer
from alchemesh_platform.base.packages.reference import OWN
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.catalog.apart import call_apart
from alchemesh_platform.catalog.case_file import case_file_of
from alchemesh_platform.catalog.strangers import IMPORT
from alchemesh_platform.documents.yaml_source import shown
from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.testing.cases import ReadCases, read_cases
from alchemesh_platform.testing.finding import Finding

GROUP = "alchemesh.components"
PROJECT = "pyproject.toml"
IMPORT_SECONDS = 10.0  # for the import of a spec, apart from this process


class NoPackage(Failure):
    """Raised when a folder has no package with components."""

    exit_code = ExitCode.USAGE


class _Broken(Failure):
    """A component that cannot be loaded."""


@dataclass(frozen=True, slots=True)
class TestedComponent:
    """A component of the package.

    Args:
        name: Name of its entry point.
        reference: Its entry point: ``module:SPEC``.
        spec: Its spec; None if it cannot be loaded.
        cases: Its case file; None without a spec.
        findings: The findings of loading it.
    """

    __test__: ClassVar[bool] = False  # pytest takes a class with this name for a test

    name: str
    reference: str
    spec: ComponentSpec | None = None
    cases: ReadCases | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def module(self) -> str:
        """Module of its spec."""
        return self.reference.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Package:
    """A package with components.

    Args:
        name: Name of the distribution.
        folder: Folder of its project file.
        components: Its components, by name; a part of them if the path was inside of the package.
        registered: The names of all its components.
    """

    name: str
    folder: Path
    components: tuple[TestedComponent, ...] = field(default_factory=tuple)
    registered: frozenset[str] = frozenset()


def find_package(path: Path) -> Package:
    """The package at a path, which may also be a folder or file inside of it: then only the components below count.

    Raises:
        NoPackage: when no project file with components is there.
    """
    place = path.absolute()
    if not place.exists():
        if (scheme := re.match(r"([a-z][a-z+]+):/", str(path))) is not None:  # a path has no `//`
            url = f"{scheme[1]}://{str(path)[scheme.end() :].lstrip('/')}"
            raise NoPackage(f"found the URL {url}, expected a folder", hint="clone the repository, and name its folder")
        raise NoPackage(f"no such folder {path}", hint="name the folder of a package with components")
    project = next((folder / PROJECT for folder in (place, *place.parents) if (folder / PROJECT).is_file()), None)
    new = remedy(
        "{} makes a package with a component", command("components", "new", "my-component", "--role", "storage")
    )
    if project is None:
        raise NoPackage(f"found no {PROJECT} in {path} or above", hint=new)
    name, entries = registered_in(project)
    if not entries:
        hint = remedy('add [project.entry-points."{}"] with `name = "module:SPEC"`; {}', GROUP, new)
        raise NoPackage(f"{project} registers no component", hint=hint)
    _make_importable(project.parent, entries)
    stopped = _stopped(entries)
    found = [_component(entry, project, stopped.get(entry.name, "")) for entry in entries]
    if place != project.parent:
        found = [
            each
            for each in found
            if each.cases is None
            or each.cases.file.absolute().is_relative_to(place.parent if place.is_file() else place)
        ]
        if not found:
            raise NoPackage(f"found no component of {name} below {path}", hint=f"name {project.parent}")
    return Package(name, project.parent, tuple(found), frozenset(entry.name for entry in entries))


def registered_in(project: Path) -> tuple[str, list[EntryPoint]]:
    """The name of a package, and the components that its project file registers.

    Raises:
        NoPackage: when the file cannot be read.
    """
    try:
        document = tomllib.loads(project.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NoPackage(f"{project} cannot be read: {error}", hint="correct the file") from error
    section = document.get("project", {})
    name = str(section.get("name", project.parent.name))
    found = section.get("entry-points", {}).get(GROUP, {})
    return name, [EntryPoint(key, str(value), name) for key, value in sorted(found.items())]


def _make_importable(folder: Path, entries: list[EntryPoint]) -> None:
    """Put the folders of the package's modules on the import path, if it is not installed from here."""
    for top in {entry.value.partition(":")[0].partition(".")[0] for entry in entries}:
        roots = [root for root in roots_of(folder) if (root / top).is_dir() or (root / f"{top}.py").is_file()]
        if roots and str(roots[0]) not in sys.path:
            sys.path.insert(0, str(roots[0]))


def roots_of(folder: Path) -> Iterator[Path]:
    """The folders of a project that may have its top-level modules."""
    yield from (folder, folder / "src")
    yield from sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


def _stopped(entries: list[EntryPoint]) -> dict[str, str]:
    """The components whose import hangs or ends the process, each with the end of a sentence about it.

    The imports run apart, so that this process does neither. The platform's own components are not tried.
    """
    tried = [entry for entry in entries if not entry.value.startswith(OWN)]
    if not tried:
        return {}
    references = [entry.value for entry in tried]
    answers = call_apart(IMPORT, [(reference, references) for reference in references], IMPORT_SECONDS)
    ends = ("does not end", "ends the process")
    return {
        entry.name: answer.failure
        for entry, answer in zip(tried, answers, strict=True)
        if answer.failure.startswith(ends)
    }


def _component(entry: EntryPoint, project: Path, stopped: str) -> TestedComponent:
    def broken(rule: str, what: str) -> TestedComponent:
        where = _line_of(project, entry.name)
        finding = Finding(rule, entry.name, what, shown(project), where)
        return TestedComponent(entry.name, entry.value, findings=(finding,))

    if stopped:
        return broken("spec-loads", f"the import of {entry.value.partition(':')[0]} {stopped}")
    try:
        spec = load_offer("component", [entry], ComponentSpec, lambda spec: spec.name, _Broken)
    except _Broken as failure:
        return broken("spec-loads", failure.message)
    try:
        file = case_file_of(spec)
    except (ImportError, ValueError) as error:
        return broken("references-resolve", f"component={spec.component!r}: {error}")
    return TestedComponent(entry.name, entry.value, spec, read_cases(file))


def _line_of(file: Path, name: str) -> int:
    lines = file.read_text("utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.strip().strip('"').startswith(name)), 1)
