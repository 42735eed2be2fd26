"""The examples of a package compose, and can be deployed."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.app.components.examples import check_examples
from alchemesh_platform.testing.package import Package, TestedComponent
from tests.builtin import ROOT

MANIFEST = """\
kind: DataProduct
name: notes
domain: retail
team: shop
owner: ada@shop.example
version: 1.0.0
infrastructure:
  - {name: workspace, component: object-storage}
"""


def package_in(folder: Path, manifest: str) -> Package:
    """A package whose one example has this manifest."""
    (folder / "example").mkdir()
    (folder / "example" / "alchemesh.yaml").write_text(manifest)
    return Package("acme", folder)


def test_an_example_with_a_problem_is_found_at_its_line(tmp_path: Path) -> None:
    package = package_in(tmp_path, MANIFEST.replace("object-storage", "object-store"))
    [finding] = check_examples(package)
    assert (finding.rule, finding.line) == ("example-is-valid", 8)
    assert "unknown component type 'object-store'" in finding.what
    assert "did you mean 'object-storage'?" in finding.remedy


def test_examples_of_a_package_that_is_not_installed_name_the_command(tmp_path: Path) -> None:
    package = Package("acme", package_in(tmp_path, MANIFEST).folder, registered=frozenset({"acme-files"}))
    assert list(check_examples(package)) == [], "a part of the package is tested"
    [finding] = check_examples(Package("acme", tmp_path, components_of("acme-files"), frozenset({"acme-files"})))
    assert finding.what == "the examples cannot be checked: acme is not installed here"
    assert finding.remedy == "Run `python -m pip install --editable .` in the folder of the package."


def components_of(name: str) -> tuple[TestedComponent, ...]:
    return (TestedComponent(name, "acme.spec:SPEC"),)


def test_examples_of_this_repository_compose() -> None:
    assert list(check_examples(Package("alchemesh-platform", ROOT))) == []


@pytest.mark.engine
def test_an_example_is_deployed_and_destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "mine"))
    assert list(check_examples(package_in(tmp_path, MANIFEST), engine=True)) == []
    assert not (tmp_path / "mine").exists(), "the user's home is not used"
