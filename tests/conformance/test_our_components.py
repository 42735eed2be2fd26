"""The platform's own components pass through the kit: `pytest` collects their case files."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.catalog.case_file import case_file_of
from alchemesh_platform.testing.finding import RULES
from alchemesh_platform.testing.package import find_package
from alchemesh_platform.testing.rules.spec import references_of
from tests.builtin import ROOT, builtin_catalog


def test_every_component_of_the_catalogue_has_a_case_file_that_pytest_collects(pytestconfig: pytest.Config) -> None:
    collected = [ROOT / path for path in pytestconfig.getini("testpaths")]
    files = {spec.name: case_file_of(spec) for spec in builtin_catalog().values()}
    there = {name for name, file in files.items() if file.is_file() and any(map(file.is_relative_to, collected))}
    assert there == set(builtin_catalog())


def test_the_package_registers_every_component_of_the_catalogue() -> None:
    assert {component.name for component in find_package(ROOT).components} == set(builtin_catalog())


def test_every_kind_of_reference_is_in_use() -> None:
    """The kit checks a kind of reference in these components only if one of them has it."""
    used = {field for spec in builtin_catalog().values() for field in references_of(spec)}
    functions = {"observe", "measure", "run", "engine", "check", "holds", "infer", "look"}
    assert used == {"component", "args", "settings", "outputs", *functions}


def test_the_reference_lists_every_rule() -> None:
    page = Path(ROOT, "docs", "reference", "conformance.md").read_text("utf-8")
    assert [rule for rule in RULES if f"| `{rule}` |" not in page] == []
