"""`alchemesh status --watch`: changes as lines in a pipe, documents with --json, and a screen that is drawn again."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from alchemesh_cli import status_watch
from alchemesh_cli.main import invoke
from alchemesh_cli.render.status import print_product
from alchemesh_cli.status_watch import EVERY, Documents, Lines, changes, facts_of, redrawn, watch_status
from alchemesh_platform.app.observe import Report
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.observed.models import OutputStatus, ProductStatus, StateStatus
from tests.observed.status.commitments import FLIGHT, NOW, PORT, commitment

FLIGHTS = "aviation/flights"


def report(verdict: str = "kept", value: str = "99.7%", state: str = "operational", note: str = "") -> Report:
    uptime = commitment("uptime", "99.5%", verdict, value=value)
    updates = commitment("update_frequency", "1h", "unknown", asset=FLIGHT, reason="nobody measured it")
    port = OutputStatus(name="flights-table", address=PORT, health="healthy", commitments=(uptime, updates))
    status = ProductStatus(
        environment="local",
        address=FLIGHTS,
        is_deployed=True,
        state=StateStatus(state=state, note=note, at=NOW, reported_by="amelia@laptop"),
        outputs=(port,),
    )
    return Report("local", emulated=False, status=status)


class Turns:
    """Ends a watch after some readings, without waiting."""

    def __init__(self, number: int) -> None:
        self.left = number - 1
        self.waited: list[float] = []

    def wait(self, timeout: float) -> bool:
        self.waited.append(timeout)
        self.left -= 1
        return self.left < 0


def reading(*found: Report | Failure) -> Callable[[], Report]:
    turns: Iterator[Report | Failure] = iter(found)

    def read() -> Report:
        one = next(turns)
        if isinstance(one, Failure):
            raise one
        return one

    return read


def test_a_pipe_gets_the_first_state_and_then_every_change_once() -> None:
    lines: list[str] = []
    away = Failure("the registry is away")
    found = (report(), report(value="99.6%"), away, away, report("broken", "98.2%", "down", "no\nfeed"), report("kept"))
    stop = Turns(len(found))

    watch_status(reading(*found), EVERY, stop, Lines(lines.append))

    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", line) for line in lines)
    assert [line.partition("  ")[2] for line in lines] == [
        f"{FLIGHTS} state: operational",
        f"{PORT} health: healthy",
        f"{PORT} uptime: kept (99.7%, promised 99.5%)",
        f"{FLIGHT} update frequency: unknown (nobody measured it, promised 1h)",
        "cannot read the status: the registry is away",
        f"{FLIGHTS} state: operational → down (no feed)",
        f"{PORT} uptime: kept → broken (98.2%, promised 99.5%)",
        f"{FLIGHTS} state: down → operational",
        f"{PORT} uptime: broken → kept (99.7%, promised 99.5%)",
    ]
    assert stop.waited == [EVERY.total_seconds()] * len(found)


def test_a_commitment_that_is_no_longer_promised_is_a_change() -> None:
    before, now = facts_of(report()), dict(facts_of(report()))
    del now[PORT, "uptime"]

    assert list(changes(before, now)) == [f"{PORT} uptime: no longer there"]


def test_json_has_one_document_a_line_for_each_changed_status(capsys: pytest.CaptureFixture[str]) -> None:
    failures: list[str] = []
    found = (report(), report(), Failure("away"), report("broken"))
    watch_status(reading(*found), EVERY, Turns(len(found)), Documents(failures.append))

    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["outputs"][0]["commitments"][0]["verdict"] for each in documents] == ["kept", "broken"]
    assert failures == ["cannot read the status: away"]


def test_a_terminal_is_drawn_again_and_keeps_the_last_status() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80, height=50, color_system=None)

    def draw(to: Console, one: Report) -> None:
        assert one.status is not None
        print_product(to, one.status, NOW)

    with redrawn(console, draw) as screen:
        watch_status(reading(report(), report("broken", "\x1b[31mred"), Failure("away")), EVERY, Turns(3), screen)

    drawn = output.getvalue()
    assert drawn.count(f"{FLIGHTS}  local") == 4, "three times live, and once at the end"
    last = drawn[drawn.rindex(f"{FLIGHTS}  local") :]
    assert "✗ broken" in last
    assert "\\u001b[31mred" in last
    assert "Ctrl-C ends it, cannot read the status: away" in last


def test_the_first_failure_ends_the_command_and_wrong_options_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    for arguments, code, message in (
        (["status", FLIGHTS, "--watch"], ExitCode.USAGE, "was never deployed in local"),
        (["status", "--every", "5s"], ExitCode.USAGE, "--every needs --watch"),
        (["status", "--watch", "--every", "10ms"], ExitCode.USAGE, "--every is at least 1s"),
    ):
        assert invoke(arguments) == code
        assert message in capsys.readouterr().err


def test_a_watch_ends_when_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_watch, "is_lost", lambda: True)
    lines: list[str] = []

    watch_status(reading(report()), EVERY, Turns(100), Lines(lines.append))

    assert len(lines) == 4
