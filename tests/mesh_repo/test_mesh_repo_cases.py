"""Every mistake in a mesh repo, and every mismatch of a product with its mesh, with its error."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.mesh_repo.load import load_mesh_repo
from alchemesh_platform.mesh_repo.product_check import check_product
from tests.cases import Case, parametrize

HERE = Path(__file__).parent


@parametrize(HERE / "cases")
def test_problems_of_a_mesh_repo_are_reported(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    case.write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    problems: list[Problem] = []
    try:
        load_mesh_repo(Path())
    except ProblemsFound as found:
        problems = list(found.problems)
    case.check(problems, update)


@parametrize(HERE / "product_cases")
def test_references_missing_from_the_mesh_are_reported(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    case.write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    loaded = load_manifest(Path("product/alchemesh.yaml"))

    problems = check_product(loaded.product, loaded.locate, load_mesh_repo(Path()).mesh("local"))

    case.check(problems, update)
