"""The pytest plugin: collects case files, and tests their component by each case.

``pytest`` finds it by its entry point. A file ``case.yml`` (or ``NAME.case.yml``) next to a component gives one test
for the component as a whole and one for each case. The module of a spec gives a test that fails if the spec cannot be
loaded, or has no case file. ``--alchemesh-engine`` deploys each case that has ``engine``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alchemesh_platform.catalog.case_file import CASE_FILE

if TYPE_CHECKING:
    from alchemesh_platform.sdk.spec import ComponentSpec
    from alchemesh_platform.testing.cases import Case
    from alchemesh_platform.testing.finding import Finding
    from alchemesh_platform.testing.package import Package, TestedComponent


class BrokenRules(Exception):
    """Raised by a test with the findings of the kit."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n\n".join(map(str, self.findings)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that deploys cases."""
    group = parser.getgroup("alchemesh")
    group.addoption(
        "--alchemesh-engine",
        action="store_true",
        help="Deploy each case that has `engine` with the real Pulumi engine.",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    """Collect the case files of components, and the modules of their specs."""
    name = file_path.name
    made: pytest.File | None = None
    if name == CASE_FILE or name.endswith(f".{CASE_FILE}"):
        made = CaseFile.from_parent(parent, path=file_path)
    elif name.endswith(".py") and any(_is_module(file_path, each) for each in _registered_near(file_path.parent)):
        made = SpecFile.from_parent(parent, path=file_path)
    return made


class CaseFile(pytest.File):
    """The case file of a component."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test for the component, and one for each case."""
        component = _component_of(self.path)
        if component is None:
            return
        yield ComponentTest.from_parent(self, name=component.name, component=component)
        for case in component.cases.cases if component.cases is not None else ():
            title = f"{component.name}: {case.name}"
            yield CaseTest.from_parent(self, name=title, component=component, case=case)
            if case.engine is not None and self.config.getoption("alchemesh_engine"):
                yield DeployedCaseTest.from_parent(self, name=f"{title}, deployed", component=component, case=case)


class SpecFile(pytest.File):
    """The module of a spec. Its components without cases fail here, since no case file does."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test for each component that no case file tests."""
        project = _project_of(self.path)
        package = None if project is None else _package_of(project)
        for each in package.components if package is not None else ():
            is_tested = each.cases is not None and each.cases.file.is_file()
            if _is_module(self.path, each.module) and not is_tested:
                yield ComponentTest.from_parent(self, name=each.name, component=each)


class _Test(pytest.Item):
    """A test that fails with findings."""

    def __init__(self, *, component: TestedComponent, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.component = component

    def check(self) -> Iterable[Finding]:
        """The findings."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Fail with the findings, if there are any."""
        if findings := list(self.check()):
            raise BrokenRules(findings)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> object:  # type: ignore[override]
        """The findings, without a traceback."""
        if isinstance(excinfo.value, BrokenRules):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file and the title of the test."""
        return self.path, None, self.name


class ComponentTest(_Test):
    """A component as a whole."""

    def check(self) -> Iterable[Finding]:
        """The findings about its spec, models and case file."""
        from alchemesh_platform.testing.check import check_component

        return check_component(self.component, _catalog())


class CaseTest(_Test):
    """A component, for one case."""

    def __init__(self, *, case: Case, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.case = case

    def check(self) -> Iterable[Finding]:
        """The findings of the case; none if a module of the component cannot be imported, which is a finding."""
        from alchemesh_platform.testing.check import check_case, references_break

        assert self.component.spec is not None  # noqa: S101 a component without a spec has no cases
        assert self.component.cases is not None  # noqa: S101
        broken = references_break(self.component)
        return broken or check_case(self.component.spec, self.component.cases, self.case)


class DeployedCaseTest(CaseTest):
    """A component, deployed for one case with the real engine."""

    def check(self) -> Iterable[Finding]:
        """The findings of the deployment."""
        from alchemesh_platform.testing.deployed.deployment import check_deployment

        return check_deployment(self.component, self.case)


@cache
def _package_at(project: Path) -> Package:
    from alchemesh_platform.testing.package import find_package

    return find_package(project)


@cache
def _catalog() -> tuple[ComponentSpec, ...]:
    from alchemesh_platform.catalog.discover import discover

    return tuple(discover().loaded()[0])


def _component_of(file: Path) -> TestedComponent | None:
    """The component that a case file belongs to; None if no package registers it."""
    project = _project_of(file)
    package = None if project is None else _package_of(project)
    if package is None:
        return None
    own = (each for each in package.components if each.cases is not None and each.cases.file.absolute() == file)
    return next(own, None)


def _project_of(file: Path) -> Path | None:
    """The folder of the package that a file is in."""
    return next((folder for folder in file.parents if (folder / "pyproject.toml").is_file()), None)


def _package_of(project: Path) -> Package | None:
    from alchemesh_platform.testing.package import NoPackage

    try:
        return _package_at(project)
    except NoPackage:
        return None


@cache
def _registered_near(folder: Path) -> tuple[str, ...]:
    """The modules of the specs that the package of a folder registers."""
    project = _project_of(folder / "file")
    return () if project is None else _registered_at(project)


@cache
def _registered_at(project: Path) -> tuple[str, ...]:
    """The modules of the specs that a package registers; nothing of it is imported."""
    from alchemesh_platform.testing.package import PROJECT, NoPackage, registered_in

    try:
        return tuple(entry.value.partition(":")[0] for entry in registered_in(project / PROJECT)[1])
    except NoPackage:
        return ()


def _is_module(file: Path, module: str) -> bool:
    """Whether a file is that of a module: its path ends with the name."""
    parts = module.split(".")
    own = file.parent.parts if file.name == "__init__.py" else file.with_suffix("").parts
    return list(own[-len(parts) :]) == parts
