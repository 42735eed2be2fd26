"""On a terminal, a warning that was shown before is one line; in a log it is always whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_cli.render.run.events import Shown
from alchemesh_cli.terminal.seen import FILE
from alchemesh_platform.app.events import Warned
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import Location, Problem
from tests.manifest.documents import written

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


def test_validate_and_plan_repeat_a_warning_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """They printed it in full each time; only `preview` and `up` did not."""
    monkeypatch.chdir(tmp_path)
    unused = {"flight": {"properties": {"a": {"type": "string", "key": True, "description": "Identifies a row."}}}}
    product = {"kind": "DataProduct", "name": "flights", "domain": "aviation", "team": "flight-data"}
    product |= {"owner": "amelia@airport.example", "version": "1.2.0", "lifecycle": "stable"}
    text = written({**product, "models": unused})
    (tmp_path / "alchemesh.yaml").write_text(text, "utf-8")

    def err(*arguments: str) -> str:
        assert invoke(list(arguments)) == 0
        return capsys.readouterr().err

    in_log = err("validate")
    short, _, rest = in_log.partition("\n")
    assert "models.flight: warning: no output port exposes this model" in short
    assert "hint: " in rest
    assert err("validate") == in_log, "a log has no reader who remembers"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert [err("validate"), err("validate")] == [in_log, f"{short}\n"]
    assert err("plan") == f"\n{short}\n"
    (tmp_path / "alchemesh.yaml").write_text(text.replace("lifecycle: ", "lifecycle: x"), "utf-8")
    assert invoke(["validate"]) == ExitCode.PROBLEMS
    assert f"{short}\n" in capsys.readouterr().err, "beside an error, too"


def test_a_log_shows_each_warning_in_full(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert [shown(capsys), shown(capsys)] == [FULL, FULL]
    assert not home.exists()
