"""Deployments of products, with their outcomes."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from alchemesh_platform.app.observe import status
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry import heartbeat, store
from alchemesh_platform.registry.processes import this_process
from alchemesh_platform.registry.records import Deployment, RunDetails, RunInput
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import deployments
from tests.waiting import until


def test_a_deployment_is_begun_and_finished(registry: Registry, environment: str) -> None:
    begun = registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop", version="1.2.0")

    assert begun.outcome == "running"
    assert registry.deployments("aviation/flights", environment) == [begun]

    ended = registry.finish_deployment(
        begun.id, "failed", changes={"create": 9}, problem="port taken", exit_status=3, output="half a \0 line"
    )

    assert ended.finished_at is not None
    assert ended.finished_at >= begun.started_at
    assert ended == begun.model_copy(
        update={
            "finished_at": ended.finished_at,
            "outcome": "failed",
            "changes": {"create": 9},
            "problem": "port taken",
            "exit_status": 3,
            "output": "half a \0 line",
        }
    )
    assert registry.deployments(environment=environment) == [ended]


def test_the_first_outcome_of_a_deployment_is_final(registry: Registry, environment: str) -> None:
    begun = registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
    first = registry.finish_deployment(begun.id, "cancelled")

    assert registry.finish_deployment(begun.id, "failed", problem="engine gone") == first


def test_finishing_a_deployment_that_never_began_is_an_error(registry: Registry) -> None:
    with pytest.raises(LookupError, match="no deployment 'nothing'"):
        registry.finish_deployment("nothing", "succeeded")


def test_deployments_are_listed_newest_first_by_product_and_operation(registry: Registry, environment: str) -> None:
    first = registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
    run = registry.start_deployment(environment, "aviation/flights", "run", "amelia@laptop")
    last = registry.start_deployment(environment, "aviation/flights", "destroy", "amelia@laptop")
    other = registry.start_deployment(environment, "insight/punctuality", "up", "wilbur@laptop")

    assert registry.deployments("aviation/flights", environment) == [last, run, first]
    assert registry.deployments("aviation/flights", environment, limit=1) == [last]
    assert registry.deployments("aviation/flights", environment, operations=["run"]) == [run]
    assert registry.last_deployments(environment, ["up", "destroy"]) == {
        "aviation/flights": last,
        "insight/punctuality": other,
    }
    assert registry.last_deployments(environment, ["refresh"]) == {}


def test_an_operation_whose_process_was_killed_does_not_count_as_running(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history showed a killed run as running for ever."""
    machine, _pid, _start = this_process().split(" ")
    monkeypatch.setattr(store, "this_process", lambda: f"{machine} {2**22 + 1} 1000.00")
    killed = registry.start_deployment(environment, "aviation/flights", "run", "amelia@laptop")
    monkeypatch.undo()
    alive = registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")

    shown = killed.model_copy(update={"outcome": "failed", "problem": "its process was killed"})
    assert registry.deployments("aviation/flights", environment) == [alive, shown]
    assert registry.last_deployments(environment, ["run"]) == {"aviation/flights": shown}


@pytest.mark.parametrize(("everywhere", "outcome"), [(True, "failed"), (False, "running")])
def test_the_next_operation_ends_a_killed_one_of_another_machine_if_the_lock_is_global(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch, everywhere: bool, outcome: str
) -> None:
    monkeypatch.setattr(store, "this_process", lambda: "elsewhere/1a2b 7 1000.00")
    registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
    registry.end_killed(environment, "aviation/flights", ["up"], everywhere=everywhere)
    [ended] = registry.deployments("aviation/flights", environment)
    assert ended.outcome == outcome
    assert (ended.finished_at is not None) is everywhere


def test_an_operation_of_an_earlier_version_is_ended_by_the_next(registry: Registry, environment: str) -> None:
    begun = registry.start_deployment(environment, "aviation/flights", "run", "amelia@laptop")
    registry.end_killed(environment, "aviation/flights", ["up"])
    assert registry.deployments("aviation/flights", environment) == [begun]
    registry.end_killed(environment, "aviation/flights", ["run"])
    assert [one.outcome for one in registry.deployments("aviation/flights", environment)] == ["failed"]


def test_running_operation_reports_until_it_ends(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.finish_beats()  # of other tests
    others = set(threading.enumerate())  # those of other registries
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    begun = registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
    assert begun.seen_at is not None

    def seen_later() -> bool:
        [now] = registry.deployments("aviation/flights", environment)
        return now.seen_at is not None and now.seen_at > (begun.seen_at or now.seen_at)

    until(seen_later, "the operation reports")
    ended = registry.finish_deployment(begun.id, "succeeded")
    assert not any(thread.name == "heartbeat" for thread in set(threading.enumerate()) - others)
    assert registry.deployments("aviation/flights", environment) == [ended]


def test_an_operation_that_begins_in_a_transaction_reports_from_its_commit_on(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection of a transaction belongs to one thread, and is closed at its end."""
    registry.finish_beats()  # of other tests
    others = set(threading.enumerate())
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)

    def beats() -> int:
        return sum(thread.name == "heartbeat" for thread in set(threading.enumerate()) - others)

    with pytest.raises(ZeroDivisionError), registry.transaction("a lock") as turn:
        turn.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
        raise ZeroDivisionError
    with registry.transaction("a lock") as turn, turn.transaction("another lock") as inner:
        begun = inner.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
        done = inner.start_deployment(environment, "aviation/flights", "run", "amelia@laptop")
        inner.finish_deployment(done.id, "succeeded")
        assert beats() == 0
    assert beats() == 1
    until(
        lambda: registry.deployments(environment=environment, outcomes=("running",))[0].seen_at != begun.seen_at,
        "it reports",
    )
    registry.finish_deployment(begun.id, "succeeded")
    assert beats() == 0


@pytest.mark.parametrize(
    ("minutes", "outcome"), [(1, "running"), (3, "failed"), (None, "running")], ids=["reports", "silent", "older"]
)
def test_operation_of_another_machine_counts_as_killed_when_it_has_not_reported(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch, minutes: int | None, outcome: str
) -> None:
    """It was running for everybody else until the next operation on its own machine."""
    monkeypatch.setattr(store, "this_process", lambda: "laptop-7/1a2b 7 1000.00")
    begun = registry.start_deployment(environment, "aviation/flights", "run", "amelia@laptop")
    seen = None if minutes is None else registry.now() - timedelta(minutes=minutes)
    registry.finish_beats()
    with registry.writing() as connection:
        document = begun.model_copy(update={"seen_at": seen}).model_dump_json()
        connection.execute(update(deployments).where(deployments.c.id == begun.id).values(document=document))
    [shown] = registry.deployments("aviation/flights", environment)
    assert shown.outcome == outcome
    if outcome == "failed":
        assert seen is not None
        assert (
            shown.problem == f"its process on laptop-7 has not reported since {seen:%Y-%m-%d %H:%M} UTC: it was killed"
        )
        assert registry.last_deployments(environment, ["run"])["aviation/flights"] == shown
        done = registry.finish_deployment(begun.id, "succeeded")
        assert registry.deployments("aviation/flights", environment) == [done], "a machine that slept can still end it"


BEGIN = """
import sys, time
from alchemesh_platform.registry import processes
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import deployments
from tests.waiting import until
processes.platform.node = lambda: "laptop-7"
with Registry.open(sys.argv[1]) as registry:
    registry.start_deployment("local", "shop/orders", "up", "ada@shop.example")
    print("begun", flush=True)
    time.sleep(600)
"""


def test_killed_operation_is_not_running_in_the_status_of_another_machine(
    fresh_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines with a home each, on one state and one registry."""
    text = PLATFORM.format(state=tmp_path / "state", registry=fresh_url)
    (tmp_path / "platform.yaml").write_text(text)
    process = subprocess.Popen([sys.executable, "-c", BEGIN, fresh_url], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    other = load_platform(tmp_path / "platform.yaml", "local", tmp_path / "home-of-another-machine")

    def shown() -> tuple[str, str | None]:
        last = status(other, "shop/orders").status
        assert last is not None
        assert last.last_deployment is not None
        return last.last_deployment.outcome, last.last_deployment.problem

    assert shown() == ("running", None)
    process.kill()
    process.wait()
    assert shown() == ("running", None), "its last report is recent"
    monkeypatch.setattr(store, "LOST_AFTER", timedelta(0))
    outcome, problem = shown()
    assert outcome == "failed"
    assert (problem or "").startswith("its process on laptop-7 has not reported since ")


PLATFORM = """\
kind: Platform
name: acme
environments:
  local:
    extends: builtin/local
    state: file://{state}
    registry: {registry}
"""


def test_of_several_runs_at_once_one_begins(registry: Registry, environment: str) -> None:
    def start(_number: int) -> tuple[Deployment, bool]:
        return registry.start_run(environment, "aviation/flights", "amelia@laptop", details=RunDetails(engine="clock"))

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(start, range(4)))
    [begun] = [run for run, started in found if started]
    assert {run.id for run, started in found if not started} == {begun.id}
    registry.finish_deployment(begun.id, "succeeded")
    again, started = registry.start_run(environment, "aviation/flights", "amelia@laptop", details=RunDetails())
    assert started
    assert again.id != begun.id
    registry.finish_deployment(again.id, "succeeded")


def test_a_running_run_takes_its_inputs_and_the_first_request_to_cancel(registry: Registry, environment: str) -> None:
    run, _ = registry.start_run(environment, "aviation/flights", "amelia@laptop", details=RunDetails(request="q"))
    inputs = {"departures": RunInput(origin="aviation/dispatch", versions={"files": "7"})}
    registry.note_inputs(run.id, inputs)
    assert registry.ask_to_cancel(run.id, "bo@laptop").cancelled_by == "bo@laptop"
    assert registry.ask_to_cancel(run.id, "cy@laptop").cancelled_by == "bo@laptop"
    ended = registry.finish_deployment(run.id, "cancelled")
    assert (ended.inputs, ended.cancelled_by, ended.request) == (inputs, "bo@laptop", "q")
    assert registry.ask_to_cancel(run.id, "cy@laptop") == ended, "an ended run stays as it is"
    assert registry.deployment(run.id) == registry.run_of_request(environment, "aviation/flights", "q") == ended
    assert registry.deployment("nothing") is None
    with pytest.raises(LookupError):
        registry.ask_to_cancel("nothing", "cy@laptop")


def test_a_run_of_an_earlier_version_is_read(registry: Registry, environment: str) -> None:
    """Runs that earlier versions recorded have no engine, reason or inputs."""
    fields = ("engine", "engine_run", "trigger", "attempt", "interval", "request", "inputs", "cancelled_by")
    begun = registry.start_deployment(environment, "aviation/flights", "run", "amelia@laptop")
    written = begun.model_dump(mode="json", exclude=set(fields))
    assert Deployment.model_validate(written).trigger is None
    assert Deployment.model_validate(written) == begun
    registry.finish_deployment(begun.id, "succeeded")
