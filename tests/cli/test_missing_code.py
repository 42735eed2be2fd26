"""Code that is missing in the folder of a manifest is reported before anything runs, where it can be checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from tests.builtin import ROOT
from tests.manifest.documents import written

PRODUCT = {
    "kind": "DataProduct",
    "name": "flights",
    "domain": "aviation",
    "team": "flight-data",
    "owner": "amelia@airport.example",
    "version": "1.2.0",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    (tmp_path / "flights").mkdir()
    (tmp_path / "flights" / "clean.py").write_text("raise SystemExit('imported')\ndef main(): ...\n")
    return tmp_path


def write(entrypoint: str, **args: object) -> None:
    code = {"component": "python-job", "args": {"entrypoint": entrypoint, **args}}
    Path("alchemesh.yaml").write_text(written({**PRODUCT, "code": code}))


@pytest.mark.parametrize(
    ("entrypoint", "reason", "hint"),
    [
        ("flights.claen:main", "there is no module flights.claen", "did you mean 'flights.clean:main'?"),
        ("flights/claen.py", "there is no script flights/claen.py", "did you mean 'flights/clean.py'?"),
        ("flights.clean:mian", "has no function 'mian'; it has main", "did you mean 'flights.clean:main'?"),
        ("elsewhere/else.py", "there is no script", "paths and modules start from the manifest's folder"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "validate", "preview", "up"])
def test_missing_code_is_reported_at_its_line(
    command: str, entrypoint: str, reason: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(entrypoint)
    options = {"up": ["--yes"]}.get(command, [])
    assert invoke([command, *options]) == ExitCode.PROBLEMS
    reported = capsys.readouterr().err
    assert "alchemesh.yaml:10:17  code.args.entrypoint: " in reported
    assert reason in reported
    assert f"hint: {hint}\n" in reported
    assert not Path("home").exists()


@pytest.mark.parametrize("entrypoint", ["flights.clean:main", "flights/clean.py", "json.tool:main"])
def test_code_in_the_folder_or_installed_is_accepted(entrypoint: str) -> None:
    write(entrypoint)
    assert invoke(["plan"]) == ExitCode.DONE


def test_code_that_cannot_be_checked_is_not_reported(folder: Path) -> None:
    write("nowhere.to_be_found:main", env={"PYTHONPATH": "src"})
    assert invoke(["plan"]) == ExitCode.DONE
    write("nowhere.to_be_found:main")
    assert invoke(["plan"]) == ExitCode.PROBLEMS
    (folder / "platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n"
        "  local: {extends: builtin/local, settings: {local: {python: /opt/python/bin/python}}}\n"
    )
    assert invoke(["plan"]) == ExitCode.DONE
    # The code of a Cloud Run job is in an image, which is not checked.
    shutil.copy(ROOT / "platforms" / "gcp.yaml", folder / "platform.yaml")
    assert invoke(["plan", "-e", "prod"]) == ExitCode.DONE
