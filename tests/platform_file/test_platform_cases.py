"""Every mistake in a platform file, with its message."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.platform_file.load import platform_problems
from tests.cases import Case, parametrize


@parametrize(Path(__file__).parent / "cases")
def test_a_platform_file_reports_its_problems(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    case.write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    case.check(platform_problems(Path("platform.yaml"), tmp_path / "home"), update)
