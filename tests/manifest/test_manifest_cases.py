"""Every mistake in a manifest, with its error."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.manifest.load import load_manifest
from tests.cases import Case, parametrize


@parametrize(Path(__file__).parent / "cases")
def test_problems_of_a_manifest_are_reported(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    case.write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    problems: list[Problem]
    try:
        problems = list(load_manifest(Path("alchemesh.yaml"), case.content.get("environment")).warnings)
    except ProblemsFound as found:
        problems = list(found.problems)
    case.check(problems, update)
