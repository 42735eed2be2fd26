"""Who did what is kept as a chain that shows whether it was touched."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from alchemesh_platform.registry.audit import Act, acts_of, broken_links, record_act
from alchemesh_platform.registry.store import Registry


@pytest.fixture(scope="module")
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url) as opened:
        yield opened


def act(environment: str, operation: str = "access approve", **more: str) -> Act:
    return Act(
        environment=environment,
        operation=operation,
        address="req-0a1b2c3d",
        actor="amelia@airport.example",
        issuer="local",
        **more,
    )


def test_acts_come_back_newest_first(registry: Registry, environment: str) -> None:
    first, second = act(environment, product="aviation/flights"), act(environment, "access revoke", reason="over")
    record_act(registry, first)
    record_act(registry, second)

    assert acts_of(registry, environment) == [second, first]
    assert acts_of(registry, environment, "aviation/flights") == [first]
    assert acts_of(registry, environment, limit=1) == [second]


def test_acts_of_many_at_once_make_one_chain(registry: Registry, environment: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: record_act(registry, act(environment, f"act {number}")), range(40)))

    assert len(acts_of(registry, environment)) == 40
    assert list(broken_links(registry)) == []


def test_an_act_falls_with_its_transaction(registry: Registry, environment: str) -> None:
    with pytest.raises(RuntimeError), registry.transaction("anything") as turn:
        record_act(turn, act(environment))
        raise RuntimeError

    assert acts_of(registry, environment) == []


@pytest.mark.parametrize("statement", ["UPDATE acts SET actor = 'nobody'", "DELETE FROM acts"])
def test_acts_are_only_added(registry: Registry, environment: str, statement: str) -> None:
    record_act(registry, act(environment))

    with pytest.raises(DatabaseError, match="append-only"), registry.writing() as connection:
        connection.execute(text(statement))


def test_an_act_that_was_put_in_between_is_told(tmp_path: object) -> None:
    with Registry.open(f"sqlite:///{tmp_path}/registry.db") as registry:
        for number in range(4):
            record_act(registry, act("local", f"act {number}"))
        with registry.writing() as connection:  # somebody with the database in hand, who takes its guards off first
            connection.execute(text("DROP TRIGGER acts_stay"))
            connection.execute(text("UPDATE acts SET document = replace(document, 'act 1', 'act 9') WHERE number = 2"))

        assert list(broken_links(registry)) == [2]
