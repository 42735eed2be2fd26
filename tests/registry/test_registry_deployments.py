"""Deployments of products, with their outcomes."""

from __future__ import annotations

import pytest

from alchemesh_platform.registry import store
from alchemesh_platform.registry.processes import this_process
from alchemesh_platform.registry.store import Registry


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
