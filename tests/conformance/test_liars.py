"""The conformance kit finds each broken rule: one component for each, which differs from a good one in one place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.base.packages import reference
from alchemesh_platform.testing.check import check_all
from alchemesh_platform.testing.finding import RULES, Finding
from alchemesh_platform.testing.package import Package, find_package
from alchemesh_platform.testing.rules import conduct
from alchemesh_platform.testing.run import declared

from .liars import LIARS, Liar, write_liars

TOP = ("acme_liars", "acme_late")
# The time limits of these alone are short: the others must have the time that a busy machine needs.
LATE = {
    "hanging-models": (reference, "IMPORT_SECONDS"),
    "hangs": (declared, "RUN_SECONDS"),
    "observe-hangs": (conduct, "PATIENCE_SECONDS"),
}


@pytest.fixture(scope="module", autouse=True)
def _imports() -> Iterator[None]:
    """Imports of this module's packages end with it."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name in [name for name in sys.modules if name.partition(".")[0] in TOP]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package of all liars but the one whose spec hangs."""
    folder = tmp_path_factory.mktemp("liars")
    write_liars(folder, tuple(liar for liar in LIARS if liar.name != "hanging"), TOP[0])
    return find_package(folder)


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package of the liar whose spec hangs."""
    folder = tmp_path_factory.mktemp("late")
    write_liars(folder, tuple(liar for liar in LIARS if liar.name == "hanging"), TOP[1])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("alchemesh_platform.testing.package.IMPORT_SECONDS", 1.0)
        return find_package(folder)


def findings_of(package: Package, name: str) -> list[Finding]:
    specs = [each.spec for each in package.components if each.spec is not None and each.name == name]
    return list(check_all([each for each in package.components if each.name == name], specs))


def test_a_component_that_keeps_every_rule_has_no_findings(package: Package) -> None:
    assert [str(each) for each in findings_of(package, "good")] == []


@pytest.mark.parametrize("liar", LIARS, ids=[liar.name for liar in LIARS])
def test_each_broken_rule_is_found(
    liar: Liar, package: Package, late: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    if liar.name in LATE:
        module, limit = LATE[liar.name]
        monkeypatch.setattr(module, limit, 1.0)
    findings = findings_of(late if liar.name == "hanging" else package, liar.name)
    shown = "\n".join(map(str, findings))
    assert any(each.rule == liar.rule and liar.what in each.what for each in findings), shown or "no findings"
    if liar.alone:
        assert {each.rule for each in findings} == {liar.rule}, shown
    for each in findings:
        assert each.component == liar.name
        assert Path(each.file).is_file(), "a finding names a file that exists"
        assert each.why
        assert each.remedy


def test_every_rule_has_a_component_that_breaks_it() -> None:
    always = {name for name, rule in RULES.items() if not rule.needs}
    assert {liar.rule for liar in LIARS} == always - {"example-is-valid"}  # of a package: test_examples.py
