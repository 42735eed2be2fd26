"""On a terminal, a warning that was shown before is one line; in a log it is always whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_cli.render.events import Shown
from alchemesh_cli.seen import FILE
from alchemesh_platform.app.events import Warned
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.problems import Location, Problem

WARNING = Problem(
    Location("alchemesh.yaml", 3, 5), "models.order", "policy model-key: the model has no key", "write it", "warning"
)
SHORT = "alchemesh.yaml:3:5  models.order: warning: policy model-key: the model has no key\n"
FULL = f"{SHORT}\nhint: write it\n\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def shown(capsys: pytest.CaptureFixture[str], problem: Problem = WARNING) -> str:
    """The output of a new command that warns."""
    Shown(Where(Path()), as_json=False, operation="preview")(Warned(problem))
    return capsys.readouterr().err


def test_a_terminal_shows_a_warning_in_full_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert [shown(capsys), shown(capsys)] == [FULL, SHORT]
    moved = replace(WARNING, location=Location("alchemesh.yaml", 9, 5))
    assert shown(capsys, moved) == SHORT.replace(":3:", ":9:"), "a line above it was added"
    assert "hint" in shown(capsys, replace(WARNING, message="another"))
    (home / FILE).write_text("{", "utf-8")
    assert shown(capsys) == FULL, "a damaged memory is none"


def test_a_log_shows_each_warning_in_full(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert [shown(capsys), shown(capsys)] == [FULL, FULL]
    assert not home.exists()
