"""Several records written together, and transactions: all or nothing."""

from __future__ import annotations

import pytest

from alchemesh_platform.registry.records import (
    AssetRecord,
    Record,
)
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.writes import Key
from tests.registry.recorded import asset


def test_several_records_are_written_together_and_reported_in_the_given_order(
    registry: Registry, environment: str
) -> None:
    registry.put(asset(environment, "old"))
    registry.put(asset(environment, "same"))
    registry.put(asset(environment, "changed", version=1))

    outcomes = registry.write(
        [asset(environment, "same"), asset(environment, "new"), asset(environment, "changed", version=2)],
        removals=[Key(AssetRecord, environment, "aviation/flights/flights-table/old")],
    )

    assert outcomes == ["unchanged", "created", "updated"]
    assert [record.model for record in registry.all(AssetRecord, environment)] == ["changed", "new", "same"]


def test_several_records_of_a_kind_may_share_a_name_with_written_and_removed_ones(
    registry: Registry, environment: str
) -> None:
    gone = Key(AssetRecord, environment, "aviation/flights/flights-table/gone")
    outcomes = registry.write(
        [
            asset(environment, "twice", version=1),
            asset(environment, "once"),
            asset(environment, "twice", version=2),
            asset(environment, "gone"),
        ],
        removals=[gone],
    )

    assert outcomes == ["created", "created", "updated", "created"]
    assert {record.model for record in registry.all(AssetRecord, environment)} == {"gone", "once", "twice"}
    assert registry.get(AssetRecord, environment, "aviation/flights/flights-table/twice") == asset(
        environment, "twice", version=2
    )
    reported = [(line.address.rpartition("/")[2], line.change) for line in reversed(registry.history(environment))]
    assert sorted(reported) == [("gone", "created"), ("once", "created"), ("twice", "created"), ("twice", "updated")]


def test_many_records_are_written_and_existing_ones_are_unchanged(registry: Registry, environment: str) -> None:
    many = [asset(environment, f"model{number}") for number in range(1500)]
    registry.put(many[700])

    outcomes = registry.write(many)

    assert outcomes[700] == "unchanged"
    assert outcomes.count("created") == len(many) - 1
    assert len(registry.all(AssetRecord, environment)) == len(registry.history(environment)) == len(many)
    assert set(registry.write(many)) == {"unchanged"}


def test_several_records_are_written_all_or_none(registry: Registry, environment: str) -> None:
    class Stranger(Record):
        kind = "zz-unknown"

    stranger = Stranger(environment=environment, address="a/b")
    with pytest.raises(KeyError):
        registry.write([asset(environment), stranger])

    assert registry.all(AssetRecord, environment) == []
    assert registry.history(environment) == []


def test_a_transaction_commits_its_writes_together(registry: Registry, environment: str) -> None:
    with registry.transaction("a lock") as standing:
        standing.put(asset(environment, "one"))
        begun = standing.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
        standing.finish_deployment(begun.id, "succeeded")
        assert [record.model for record in standing.all(AssetRecord, environment)] == ["one"]
        with standing.transaction("another lock") as inner:
            assert inner.remove(AssetRecord, environment, "aviation/flights/flights-table/one")

    assert registry.all(AssetRecord, environment) == []
    assert [line.change for line in registry.history(environment)] == ["removed", "created"]
    assert [act.outcome for act in registry.deployments(environment=environment)] == ["succeeded"]


def test_transaction_that_fails_leaves_nothing(registry: Registry, environment: str) -> None:
    with pytest.raises(ZeroDivisionError), registry.transaction("a lock") as standing:
        standing.put(asset(environment))
        standing.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
        raise ZeroDivisionError

    assert registry.all(AssetRecord, environment) == []
    assert registry.history(environment) == []
    assert registry.deployments(environment=environment) == []
