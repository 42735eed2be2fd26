"""Deployments of products, with their outcomes."""

from __future__ import annotations

import pytest

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
