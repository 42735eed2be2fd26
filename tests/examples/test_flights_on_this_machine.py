"""The example's own manifest, deployed to this machine: the rows of every platform."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.commands import run_command
from tests.compose.three_platforms import DIGEST, FLIGHTS, digest, operational_files

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_flights_writes_the_rows_of_every_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operational_files(tmp_path / ".demo" / "operations")
    folder = tmp_path / "examples" / "flights"
    shutil.copytree(FLIGHTS, folder)
    environ = {**os.environ, "ALCHEMESH_HOME": str(tmp_path / "home"), "ALCHEMESH_USER": "amelia@airport.example"}
    environ |= {"ALCHEMESH_CLOCK": "off"}
    for command in (("up", "--yes"), ("run",)):
        done = run_command([*command], folder, environ)
        assert done.returncode == 0, done.stdout + done.stderr
    try:
        shown = run_command(["env", "--json"], folder, environ)
        (tmp_path / "connections.json").write_text(shown.stdout)
        monkeypatch.setenv("ALCHEMESH_CONNECTIONS", str(tmp_path / "connections.json"))
        assert digest() == DIGEST
    finally:
        assert run_command(["destroy", "--yes", "--delete-data"], folder, environ).returncode == 0
