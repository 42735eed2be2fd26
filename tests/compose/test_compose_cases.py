"""Every mismatch between a manifest, a platform file and a catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.compose.compose import read_and_compose
from alchemesh_platform.platform_file.load import find_platform_file, load_platform
from alchemesh_platform.platform_file.models import Platform
from tests.cases import Case, parametrize
from tests.compose.specs import SPECS


@parametrize(Path(__file__).parent / "cases")
def test_each_mismatch_is_reported(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool) -> None:
    case.write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    platform: Platform | ProblemsFound
    problems: list[Problem] = []
    try:
        platform = load_platform(find_platform_file(Path()), "prod", tmp_path / "home")
    except ProblemsFound as found:
        platform = found
    try:
        read_and_compose(Path("alchemesh.yaml"), platform, "prod", SPECS)
    except ProblemsFound as found:
        problems = list(found.problems)
    case.check(problems, update)
