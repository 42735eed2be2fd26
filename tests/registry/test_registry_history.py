"""The registry's history of its records is immutable."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from alchemesh_platform.registry.records import (
    AssetRecord,
    ProductRecord,
)
from alchemesh_platform.registry.store import Registry
from tests.registry.recorded import asset, one_of_each


def test_writing_the_same_record_again_leaves_no_history(registry: Registry, environment: str) -> None:
    for record in one_of_each(environment):
        registry.put(record)
    before = registry.history(environment)

    assert [registry.put(record) for record in one_of_each(environment)] == ["unchanged"] * 7
    assert registry.history(environment) == before


def test_history_lists_every_change_newest_first(registry: Registry, environment: str) -> None:
    started = datetime.now(UTC)
    registry.put(asset(environment, version=1))
    registry.put(asset(environment, version=2))
    assert registry.remove(AssetRecord, environment, "aviation/flights/flights-table/flight")

    history = registry.history(environment, address="aviation/flights/flights-table/flight")

    assert [(line.change, line.document["definition"]) for line in history] == [
        ("removed", {"version": 2}),
        ("updated", {"version": 2}),
        ("created", {"version": 1}),
    ]
    assert all(started <= line.at <= datetime.now(UTC) for line in history)
    assert [line.kind for line in history] == ["asset"] * 3
    assert registry.history(environment, limit=1) == history[:1]


def test_history_of_a_product_outlives_it_and_includes_its_parts(registry: Registry, environment: str) -> None:
    for record in one_of_each(environment):
        registry.put(record)
    for record in one_of_each(environment):
        registry.remove(type(record), environment, record.address)

    assert registry.all(ProductRecord, environment) == []
    history = registry.history(environment, product="aviation/flights")
    assert [line.change for line in history] == ["removed"] * 7 + ["created"] * 7
    assert registry.history(environment, product="aviation/other") == []


def test_removing_a_missing_record_reports_it_and_leaves_no_history(registry: Registry, environment: str) -> None:
    assert not registry.remove(ProductRecord, environment, "aviation/flights")
    assert registry.history(environment) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE changes SET document = '{}'",
        "DELETE FROM changes",
        "DELETE FROM deployments",
        "UPDATE deployments SET outcome = 'succeeded' WHERE outcome = 'failed'",
    ],
)
def test_database_itself_refuses_to_change_history(
    registry: Registry, registry_url: str, environment: str, statement: str
) -> None:
    registry.put(asset(environment))
    registry.finish_deployment(registry.start_deployment(environment, "aviation/flights", "up", "me@here").id, "failed")
    changes, deployments = registry.history(environment), registry.deployments(environment=environment)

    with pytest.raises(DBAPIError, match=r"append-only|is history"):
        execute(registry_url, statement)

    assert registry.history(environment) == changes
    assert registry.deployments(environment=environment) == deployments


def test_postgresql_refuses_to_empty_the_history(registry: Registry, registry_url: str) -> None:
    # SQLite has no TRUNCATE: DELETE is the only command there, and the test above shows its refusal.
    reason = "syntax error" if registry_url.startswith("sqlite") else r"append-only|is history"
    for statement in ("TRUNCATE changes", "TRUNCATE deployments"):
        with pytest.raises(DBAPIError, match=reason):
            execute(registry_url, statement)


def execute(url: str, statement: str) -> None:
    engine = create_engine(make_url(url.replace("postgresql:", "postgresql+psycopg:")))
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
