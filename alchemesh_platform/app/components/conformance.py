"""Test the components of a package against the rules that every component keeps."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.extras import install_command

if TYPE_CHECKING:
    from alchemesh_platform.testing.finding import Finding

EXTRA = "alchemesh-platform[testing]"


class KitMissing(Failure):
    """Raised when the libraries of the conformance kit are not installed."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Conformance:
    """The result of a test of components.

    Args:
        package: Name of the package.
        components: Names of its components.
        cases: Number of their cases.
        findings: The broken rules, in the order of the components.
        deployed: Number of cases that were deployed with the real engine; None if that was not asked for.
    """

    package: str
    components: tuple[str, ...]
    cases: int
    findings: tuple[Finding, ...] = field(default_factory=tuple)
    deployed: int | None = None

    @property
    def code(self) -> ExitCode:
        """3 if there are findings."""
        return ExitCode.PROBLEMS if self.findings else ExitCode.DONE

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "package": self.package,
            "components": list(self.components),
            "cases": self.cases,
            "deployed": self.deployed,
            "findings": [finding.as_json() for finding in self.findings],
        }


def conformance_of(
    path: Path,
    *,
    engine: bool = False,
    against: str | None = None,
    listen: Callable[[str], object] = lambda _name: None,
) -> Conformance:
    """Test the components of the package at a path.

    Args:
        path: Folder of the package, or a folder inside of it.
        engine: Whether the cases that have ``engine`` are deployed with the real engine.
        against: Version, wheel or folder of an earlier release to compare with; None to compare with none.
        listen: Receives the name of each component before its test.

    Raises:
        NoPackage: when no package with components is there.
        NoRelease, SnapshotFailed: when the earlier release cannot be found, or its cases cannot be run.
        KitMissing: when a library of the kit is not installed.
    """
    if importlib.util.find_spec("jsonschema") is None:
        raise KitMissing("the conformance kit needs jsonschema, which is not installed", hint=install_command(EXTRA))
    with redirect_stdout(sys.stderr):  # what a component prints is not part of the result
        return _conformance(path, engine, against, listen)


def _conformance(path: Path, engine: bool, against: str | None, listen: Callable[[str], object]) -> Conformance:
    from alchemesh_platform.app.components.examples import check_examples
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.testing.check import check_all
    from alchemesh_platform.testing.package import find_package

    package = find_package(path)
    specs, _ = discover().loaded()
    findings: list[Finding] = []
    cases = deployed = 0
    for component in package.components:
        listen(component.name)
        found = list(check_all([component], specs))
        if engine and not any(each.rule in ("references-resolve", "spec-loads") for each in found):
            from alchemesh_platform.testing.deployed.deployment import check_deployments

            found += check_deployments([component])
            deployed += sum(case.engine is not None for case in component.cases.cases) if component.cases else 0
        findings += found
        cases += len(component.cases.cases) if component.cases is not None else 0
    findings += check_examples(package, engine=engine)
    if against is not None:
        from alchemesh_platform.testing.deployed.against import check_against

        listen(f"{package.name} against {against}")
        findings += check_against(package, against, engine=engine)
    names = tuple(each.name for each in package.components)
    return Conformance(package.name, names, cases, tuple(findings), deployed if engine else None)
