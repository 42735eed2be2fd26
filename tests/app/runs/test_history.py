"""The history of runs: list and show runs, read their output, cancel them."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alchemesh_cli.render.runs import run_lines
from alchemesh_platform.app.runs import history
from alchemesh_platform.app.runs.history import OutputElsewhere, RunEnded, UnknownRun, list_runs, output_of
from alchemesh_platform.app.runs.removal import end_runs
from alchemesh_platform.app.runs.since import BadMoment, read_interval, read_since
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.deployment.code.output import LIMIT_BYTES, followed, kept_output, output_file, remove_old
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.records import Deployment
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.code.engine import EngineRun
from alchemesh_platform.sdk.code.launch import launch_command
from tests.app.runs.deployed import ADA, PRODUCT, deploy_code
from tests.app.runs.test_engines import Scripted, engine

__all__ = ["engine"]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def add(platform: Platform, id_: str, hours: float, **more: Any) -> None:
    """A run that began so many hours before NOW."""
    fields: dict[str, Any] = {"product": PRODUCT, "outcome": "succeeded", "actor": ADA, "operation": "run", **more}
    begun = NOW - timedelta(hours=hours)
    with Registry.open(platform.registry) as registry:
        registry.add_run(Deployment(id=id_, environment="local", started_at=begun, finished_at=begun, **fields))


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return load_platform(None, "local", tmp_path / "home")


def ids(platform: Platform, product: str | None = None, **filters: Any) -> list[str]:
    return [run.id for run in list_runs(platform, product, **filters).runs]


def test_runs_are_listed_newest_first_by_product_outcome_and_time(platform: Platform) -> None:
    add(platform, "aaaa1", 3)
    add(platform, "bbbb1", 2, outcome="failed")
    add(platform, "cccc1", 1, product="shop/visits")
    add(platform, "dddd1", 0.5, outcome="running", process="far/1 1 1", seen_at=NOW - timedelta(hours=1))
    add(platform, "eeee1", 0.2, operation="up")
    assert ids(platform) == ["dddd1", "cccc1", "bbbb1", "aaaa1"]
    assert ids(platform, PRODUCT, limit=2) == ["dddd1", "bbbb1"]
    assert ids(platform, outcome="failed") == ["dddd1", "bbbb1"], "a run that reports no more was killed"
    assert ids(platform, outcome="failed", limit=1) == ["dddd1"]
    assert ids(platform, outcome="running") == []
    assert ids(platform, since=NOW - timedelta(hours=2)) == ["dddd1", "cccc1", "bbbb1"]


def test_an_environment_without_a_registry_has_no_runs(platform: Platform) -> None:
    assert ids(platform) == []
    assert not Path(platform.registry.removeprefix("sqlite:///")).exists()


def test_the_beginning_of_an_id_names_one_run(platform: Platform) -> None:
    add(platform, "abcd1", 3)
    add(platform, "abcd2", 2)
    add(platform, "abcd%_x", 2)
    assert history.find_run(platform, "abcd1").id == "abcd1"
    for text, message in (
        ("abc", "found 'abc', expected at least 4 characters of the id of a run"),
        ("abcd", "several runs have an id that begins with abcd"),
        ("abcd_", "environment 'local' has no run abcd_"),
    ):
        with pytest.raises(UnknownRun) as refused:
            history.find_run(platform, text)
        assert refused.value.message == message


def test_the_output_of_an_ended_run_comes_from_the_history(platform: Platform) -> None:
    add(platform, "aaaa1", 3, output="one\ntwo\n")
    assert list(output_of(platform, "aaaa")) == ["one", "two"]


def test_the_output_of_a_run_on_another_machine_is_there_until_it_ends(platform: Platform) -> None:
    add(platform, "aaaa1", 3, outcome="running", process="far/1 1 1", seen_at=datetime.now(UTC))
    with pytest.raises(OutputElsewhere) as refused:
        list(output_of(platform, "aaaa"))
    assert refused.value.message == "run aaaa1 still runs, and its output is on far until it ends"


def test_a_run_that_has_ended_cannot_be_cancelled(platform: Platform) -> None:
    add(platform, "aaaa1", 3)
    with pytest.raises(RunEnded, match=r"^run aaaa1 of shop/orders has ended: succeeded$"):
        history.cancel(platform, "aaaa1", Identity(ADA, "local"))


def test_a_run_that_ends_itself_is_cancelled_although_its_engine_is_down(
    tmp_path: Path, engine: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of the run reads the request from the registry."""
    platform, _ = deploy_code(tmp_path, "")
    seen: dict[str, Any] = {
        "process": "far/1 1 1",
        "seen_at": datetime.now(UTC),
        "engine": "scripted",
        "engine_run": "e-1",
    }
    add(platform, "aaaa1", 3, outcome="running", **seen)
    add(platform, "bbbb1", 2, outcome="running", **seen)

    def cancel(*_: object, **__: object) -> None:
        with Registry.open(platform.registry) as registry:
            registry.finish_deployment("aaaa1", "cancelled")
        raise Failure("scripted does not answer")

    monkeypatch.setattr(engine, "cancel", cancel)
    assert history.cancel(platform, "aaaa1", Identity(ADA, "local")).outcome == "cancelled"
    with pytest.raises(Failure, match=r"^scripted does not answer$"):
        history.cancel(platform, "bbbb1", Identity(ADA, "local"), patience=timedelta())


def test_output_while_a_run_runs_is_private_and_bounded(tmp_path: Path) -> None:
    file, seen = output_file(tmp_path, "local", "r"), list[str]()
    line = "x" * (LIMIT_BYTES // 4)
    with kept_output(file, seen.append) as receive:
        for _ in range(6):
            receive(line)
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.stat().st_size < LIMIT_BYTES + 200
        assert file.read_text().endswith("the history has the end of the output\n")
    assert not file.exists()
    assert seen == [line] * 6


def test_files_of_killed_runs_that_nobody_recorded_are_removed_after_a_month(tmp_path: Path) -> None:
    """They stayed for ever."""
    old, young = (output_file(tmp_path, "local", name) for name in ("old", "young"))
    old.parent.mkdir(parents=True)
    for file, days in ((old, 31), (young, 29)):
        file.write_text("begun")
        os.utime(file, (moment := time.time() - days * 86_400, moment))
    remove_old(tmp_path, "local")
    assert (old.exists(), young.exists()) == (False, True)


def test_a_follower_reads_the_last_lines_of_a_run_that_ends_meanwhile(tmp_path: Path) -> None:
    file, over = tmp_path / "r.log", threading.Event()
    found = list[str]()
    with kept_output(file, lambda _line: None) as receive:
        receive("first")
        lines = followed(file, over.is_set)
        found.append(next(lines))
        receive("last")
    over.set()
    assert [*found, *lines] == ["first", "last"]
    assert list(followed(file, lambda: True)) == []


@pytest.mark.slow
def test_a_run_of_another_process_is_followed_and_cancelled(tmp_path: Path) -> None:
    code = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"
    platform, descriptor = deploy_code(tmp_path, code)
    line = launch_command(str(descriptor), engine="airflow", engine_run="e", trigger="schedule")
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        [run] = list_runs(platform, outcome="running").runs
        lines = output_of(platform, run.id, follow=True)
        assert next(lines) == "begun"
        done = history.cancel(platform, run.id[:8], Identity("bo@shop.example", "local"))
        assert (done.outcome, done.problem) == ("cancelled", "cancelled by bo@shop.example")
        assert [line.strip() for line in run_lines(done, NOW) if "cancelled" in line] == [
            "outcome      – cancelled",
            "cancelled by bo@shop.example",
        ]
        assert done.output is not None
        assert done.output.startswith("begun\n")
        assert next(lines, "KeyboardInterrupt").startswith(("Traceback", "KeyboardInterrupt"))
        assert process.wait(60) == 130
    assert not output_file(Path(platform.home), "local", run.id).exists()


def test_runs_that_an_engine_started_by_itself_are_recorded_once(tmp_path: Path, engine: Scripted) -> None:
    platform, _ = deploy_code(tmp_path, "")
    own = EngineRun("e-9", "succeeded", started_at=NOW, finished_at=NOW, output="ran\n", written={"table/sale": 2})
    engine.own = [own, EngineRun("e-10", "running", started_at=NOW)]
    for _ in range(2):
        [run] = list_runs(platform).runs
        assert (run.engine_run, run.trigger, run.actor) == ("e-9", "schedule", "product:shop/orders")
        assert (run.output, run.written, run.exit_status) == ("ran\n", {"table/sale": 2}, 0)


def test_an_engine_that_does_not_answer_is_a_note(tmp_path: Path, engine: Scripted) -> None:
    platform, _ = deploy_code(tmp_path, "")
    add(platform, "aaaa1", 3)
    engine.down = True
    notes = list[str]()
    assert [run.id for run in list_runs(platform, note=notes.append).runs] == ["aaaa1"]
    assert notes == ["note: the runs of shop/orders may be incomplete: scripted does not answer"]


def test_moments_in_the_past_and_intervals_are_read_as_people_type_them() -> None:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    assert read_since("2026-11-01", NOW) == day
    assert read_since("2026-11-01T01:00:00+01:00", NOW) == day
    assert read_since("4h", NOW) == NOW - timedelta(hours=4)
    assert read_interval("2026-11-01..2026-11-02", NOW) == (day, day + timedelta(days=1))
    assert read_interval("2026-11-01..", NOW) == (day, NOW)
    for wrong in ("yesterday", "", "9999999999999d"):
        with pytest.raises(BadMoment):
            read_since(wrong, NOW)
    for wrong in ("2026-11-01", "2026-11-02..2026-11-01"):
        with pytest.raises(BadMoment):
            read_interval(wrong, NOW)
    with pytest.raises(BadMoment, match=r"^found '\.\.2026-11-01', expected FROM\.\.TO"):
        read_interval("..2026-11-01", NOW)


def test_the_output_of_a_killed_run_is_kept_and_destroy_ends_its_processes(tmp_path: Path) -> None:
    """The output was lost and its file stayed, and a process of a killed run outlived its product."""
    code = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"
    platform, descriptor = deploy_code(tmp_path, code)
    line = launch_command(str(descriptor), engine="airflow", engine_run="e", trigger="schedule")
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.kill()
    [run] = list_runs(platform).runs
    assert (run.outcome, run.problem) == ("failed", "its process was killed")
    assert list(output_of(platform, run.id)) == ["begun"]
    notes = list[str]()
    with Registry.open(platform.registry) as registry:
        end_runs(platform, registry, PRODUCT, Identity(ADA, "local"), notes.append)
    assert notes == ["ended 1 process that a killed run of shop/orders left running"]
    assert not output_file(Path(platform.home), "local", run.id).exists()
    assert list(output_of(platform, run.id)) == ["begun"]


def test_destroy_cancels_a_run_and_names_one_that_does_not_end(platform: Platform) -> None:
    add(platform, "aaaa1", 3, outcome="running", process="far/1 1 1", seen_at=datetime.now(UTC))
    add(platform, "bbbb1", 3, product="shop/visits", outcome="running", process="far/1 1 1", seen_at=datetime.now(UTC))
    notes = list[str]()
    with Registry.open(platform.registry) as registry:
        end_runs(platform, registry, PRODUCT, Identity(ADA, "local"), notes.append, timedelta())
        assert [run.cancelled_by for run in registry.deployments(environment="local")] == [ADA, None]
        assert notes == ["run aaaa1 of shop/orders still runs on far"]
        threading.Timer(0.1, lambda: registry.finish_deployment("aaaa1", "cancelled")).start()
        end_runs(platform, registry, PRODUCT, Identity(ADA, "local"), notes.append, timedelta(minutes=1))
    assert notes[1:] == ["cancelled run aaaa1 of shop/orders"]
