"""Every block of docs/promise-and-truth.md runs as it is, or is what the commands print."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alchemesh_cli.main import invoke
from alchemesh_cli.status_watch import Lines, changes
from alchemesh_cli.terminal import interrupts
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.registry.store import Registry
from tests.observed.status.test_status_command import product_folder, record_flights
from tests.observed.status.test_status_rendering import CASES

PAGE = (Path(__file__).parents[3] / "docs" / "promise-and-truth.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


@contextmanager
def ended() -> Iterator[threading.Event]:
    """A watch that was stopped: it shows the status once."""
    event = threading.Event()
    event.set()
    yield event


def test_every_command_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(product_folder(tmp_path))
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALCHEMESH_USER", "amelia@airport.example")
    monkeypatch.setattr(interrupts, "stoppable", ended)
    with Registry.open(f"sqlite:///{tmp_path / 'home' / 'local' / 'registry.db'}") as registry:
        record_flights(registry)
    commands = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
    assert len(commands) >= 3

    for line in commands:
        words = shlex.split(line)
        assert words[0] == "alchemesh"
        code = ExitCode.FAILED if words[1] == "observe" else 0  # the component of this product is not installed
        assert invoke(words[1:]) == code, line
    assert "aviation/flights/flights-table health: unknown" in capsys.readouterr().out
    assert "# TYPE alchemesh_open_incidents gauge" in Path("alchemesh.prom").read_text("utf-8")
    assert Path("flights.html").read_text("utf-8").startswith("<!doctype html>")


def test_every_output_of_the_page_is_what_the_commands_print() -> None:
    table, change, warning = (text for language, text in BLOCKS if not language)
    golden = (CASES / "status-promises.txt").read_text("utf-8").splitlines()
    shown = [line.strip(" ├─│└") for line in golden]
    assert [line for line in table.splitlines() if line.strip(" ├─│└") not in shown] == []

    lines: list[str] = []
    key = ("aviation/flights/flights-table", "uptime")
    found = list(changes({key: ("kept", "99.7%")}, {key: ("broken", "98.2%, promised 99.5%")}))
    Lines(lines.append)._say(found[0])
    assert change.strip().partition("  ")[2] == lines[0].partition("  ")[2]

    tested = (Path(__file__).parents[2] / "deployment" / "test_commitments.py").read_text("utf-8")
    assert "is changed while a commitment is broken: " in tested
    assert "freshness of flight is 7 min, promised 5m" in tested
    assert warning.strip().endswith(
        "aviation/flights/flights-table is changed while a commitment is broken: "
        "freshness of flight is 7 min, promised 5m"
    )
