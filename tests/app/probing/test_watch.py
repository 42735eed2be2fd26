"""`observe --watch`: slice after slice, without a registry, without space, after kills; a missed slice has no row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alchemesh_platform.app.probing import recording
from alchemesh_platform.app.probing.watch import (
    METERING,
    AlreadyWatched,
    MachineClock,
    Watch,
    WrongInterval,
    only_watcher,
    watch,
)
from alchemesh_platform.app.product.measure import Measurement
from alchemesh_platform.app.usage import meter as metering
from alchemesh_platform.app.usage.meter import Metered
from alchemesh_platform.measures.spool import ReportNotKept, Spool
from alchemesh_platform.registry.records import ContractRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.store import Registry
from tests.app.probing.watched import ORDERS, SHOP, Scripted, Steps, minute, recorded, uptime, watched
from tests.builtin import ROOT

NOW = datetime.now(UTC)
START = minute(NOW, ago=30) + timedelta(seconds=20)


def good(home_platform: object) -> list[int | None]:
    return [each.good for each in uptime(home_platform)]  # type: ignore[arg-type]


def test_each_slice_is_probed_once_and_has_one_row(tmp_path: Path) -> None:
    platform = recorded(tmp_path)
    slices = watched(platform, Steps(START, 4), Scripted([True, False, True, True]))

    found = uptime(platform)
    assert [(each.good, each.total, each.note) for each in found] == [
        (1, 1, ""),
        (0, 1, "it answers 503"),
        (1, 1, ""),
        (1, 1, ""),
    ]
    assert [minute(each.measured_at) for each in found] == [minute(START) + n * timedelta(minutes=1) for n in range(4)]
    assert [each.waiting for each in slices] == [0, 0, 0, 0]


def test_slices_that_nobody_probed_have_no_row(tmp_path: Path) -> None:
    platform = recorded(tmp_path)
    watched(platform, Steps(START, 1), Scripted())
    watched(platform, Steps(START + timedelta(minutes=5), 1), Scripted())

    assert [minute(each.measured_at) for each in uptime(platform)] == [
        minute(START),
        minute(START) + timedelta(minutes=5),
    ]


def test_a_watcher_that_starts_again_in_a_slice_does_not_probe_it_twice(tmp_path: Path) -> None:
    platform = recorded(tmp_path)
    watched(platform, Steps(START, 1), Scripted())
    slices = watched(platform, Steps(START + timedelta(seconds=20), 2), Scripted())

    assert [len(each.results) for each in slices] == [0, 1]
    assert len(uptime(platform)) == 2


def test_a_registry_that_is_away_loses_no_slice(tmp_path: Path) -> None:
    platform = recorded(tmp_path)
    file, aside = Path(platform.registry.removeprefix("sqlite:///")), tmp_path / "aside.db"
    lines: list[str] = []

    def move(number: int) -> None:
        if number == 1:
            file.rename(aside)
            file.mkdir()
        elif number == 3:
            file.rmdir()
            aside.rename(file)

    slices = watched(platform, Steps(START, 4, move), Scripted([True, False, True, True]), note=lines.append)

    assert [each.waiting for each in slices] == [0, 2, 4, 0]  # uptime and response time of two slices
    assert good(platform) == [1, 0, 1, 1]
    assert [minute(each.measured_at) for each in uptime(platform)] == [
        minute(START) + number * timedelta(minutes=1) for number in range(4)
    ]
    assert all("the registry is away" in line for line in lines)
    assert len(lines) == 2


def test_a_registry_that_dies_while_ports_are_probed_gets_the_results_later(tmp_path: Path) -> None:
    platform = recorded(tmp_path)
    file, aside = Path(platform.registry.removeprefix("sqlite:///")), tmp_path / "aside.db"

    def lose(number: int) -> None:
        if number == 0:
            file.rename(aside)
            file.mkdir()

    def find(number: int) -> None:
        if number == 1:
            file.rmdir()
            aside.rename(file)

    slices = watched(platform, Steps(START, 2, find), Scripted(before=lose))
    assert [each.waiting for each in slices] == [2, 0]
    assert good(platform) == [1, 1]


def test_a_full_disk_in_the_spool_costs_nothing_while_the_registry_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = recorded(tmp_path)

    def full(*_arguments: object) -> None:
        raise ReportNotKept("the report cannot be kept in observations.db: database or disk is full")

    monkeypatch.setattr(Spool, "keep", full)
    file = Path(platform.registry.removeprefix("sqlite:///"))

    def lose(number: int) -> None:
        if number == 1:
            file.rename(tmp_path / "aside.db")
            file.mkdir()

    slices = watched(platform, Steps(START, 2, lose), Scripted())
    file.rmdir()
    (tmp_path / "aside.db").rename(file)

    assert [each.reason.partition(":")[0] for each in slices] == ["", "2 observations are lost"]
    assert "disk is full" in slices[1].reason
    assert len(uptime(platform)) == 1


def test_a_port_that_was_removed_meanwhile_is_refused_and_the_others_are_recorded(tmp_path: Path) -> None:
    other = "retail/visits"
    platform = recorded(tmp_path, ORDERS, other)
    lines: list[str] = []

    def remove(number: int) -> None:
        if number == 0:
            with Registry.open(platform.registry) as registry:
                for kind, address in ((ContractRecord, SHOP), (PortRecord, SHOP), (ProductRecord, ORDERS)):
                    registry.remove(kind, "local", address)  # type: ignore[type-var]

    slices = watched(platform, Steps(START, 2), Scripted(before=remove), note=lines.append)
    assert [len(each.results) for each in slices] == [2, 1]
    assert len(uptime(platform, f"{other}/shop")) == 2
    assert lines == [f"a result is refused: {ORDERS} is not deployed in local"] * 2


def test_an_environment_has_one_watcher_on_a_machine(tmp_path: Path) -> None:
    platform = recorded(tmp_path)
    with (
        only_watcher(platform),
        pytest.raises(AlreadyWatched, match="another process of this machine watches local already"),
    ):
        watched(platform, Steps(START, 1), Scripted())
    assert len(watched(platform, Steps(START, 1), Scripted())) == 1


@pytest.mark.parametrize("seconds", [0, 9, 3601])
def test_an_interval_that_is_too_short_or_too_long_is_refused(tmp_path: Path, seconds: int) -> None:
    with pytest.raises(WrongInterval, match=f"probes every {seconds} s are not possible"):
        watch(Watch(platform=recorded(tmp_path), every=timedelta(seconds=seconds)), threading.Event())


def test_a_watch_of_every_ten_seconds_wakes_at_whole_intervals(tmp_path: Path) -> None:
    slices = watched(recorded(tmp_path), Steps(START, 3), Scripted(), every=timedelta(seconds=10))
    assert [each.probed_at.second for each in slices] == [20, 30, 40]


def test_waiting_ends_at_once_when_the_watch_is_stopped() -> None:
    stop = threading.Event()
    stop.set()
    MachineClock().wait(datetime.now(UTC) + timedelta(days=1), stop)
    MachineClock().wait(datetime.now(UTC) - timedelta(days=1), threading.Event())


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from alchemesh_platform.incidents import evaluate
from tests.app.probing.watched import Scripted, Steps, recorded, watched

moment, home, start = sys.argv[1], Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
platform = recorded(home)
calls = 0
add = evaluate.add_measurements

def killed_in_the_third(*arguments):
    global calls
    calls += 1
    if calls == 3 and moment == "kept":
        os.kill(os.getpid(), signal.SIGKILL)
    added = add(*arguments)
    if calls == 3 and moment == "recorded":
        os.kill(os.getpid(), signal.SIGKILL)
    return added

evaluate.add_measurements = killed_in_the_third
watched(platform, Steps(start, 9), Scripted())
"""


@pytest.mark.parametrize("moment", ["kept", "recorded"])
def test_a_killed_watcher_loses_and_doubles_nothing_when_it_starts_again(tmp_path: Path, moment: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, moment, str(tmp_path), START.isoformat()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    platform = recorded(tmp_path)
    assert recording.spool_of(platform).waiting() == 2  # the third slice was kept, and not yet done with
    assert len(uptime(platform)) == (2 if moment == "kept" else 3)

    watched(platform, Steps(START + timedelta(minutes=3), 2), Scripted())
    assert [minute(each.measured_at) for each in uptime(platform)] == [
        minute(START) + number * timedelta(minutes=1) for number in range(5)
    ]
    assert recording.spool_of(platform).waiting() == 0


def test_assets_are_measured_beside_the_slices_and_not_in_them(tmp_path: Path) -> None:
    platform = recorded(tmp_path)
    measured = threading.Event()
    more: list[Measurement] = []

    def each(number: int) -> None:
        if number == 1:
            assert measured.wait(60)

    def took(found: Measurement) -> None:
        more.append(found)
        measured.set()

    watched(platform, Steps(START, 3, each), Scripted(), measure_every=timedelta(hours=1), measured=took)
    assert [each.product for each in more] == [ORDERS]  # once an hour, and three slices
    assert len(uptime(platform)) == 3


def test_usage_is_metered_at_the_start_of_each_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metered: list[str] = []
    after: list[int] = []
    lines: list[str] = []

    def take(_platform: object, product: str) -> Metered:
        metered.append(product)
        return Metered(product, failed={SHOP: "it is locked"}, gaps=(f"{SHOP}: the log was removed",))

    def each(_number: int) -> None:
        for thread in threading.enumerate():
            if thread.name == METERING:
                thread.join()
        after.append(len(metered))

    monkeypatch.setattr(metering, "meter", take)
    clock = Steps(datetime(2026, 3, 1, 12, 3, 20, tzinfo=UTC), 8, each)
    watched(recorded(tmp_path), clock, Scripted(), meter_every=timedelta(minutes=5), note=lines.append)

    assert after == [1, 1, 2, 2, 2, 2, 2, 3], "from 12:03 to 12:10"
    assert [line for line in lines if "usage" in line] == [
        f"usage was lost: {SHOP}: the log was removed",
        f"the usage of {SHOP} could not be read: it is locked",
        f"usage was lost: {SHOP}: the log was removed",
        f"usage was lost: {SHOP}: the log was removed",
    ]
