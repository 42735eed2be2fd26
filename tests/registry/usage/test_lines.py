"""Usage lines: added once, never changed, and read by product or port."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import usage_lines
from alchemesh_platform.registry.usage.lines import UsageLine, add_lines, hour_of, line_id, usage_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRODUCT = "aviation/flights"
PORT = "aviation/flights/flights-table"


def line(name: str, hour: datetime = NOON, port: str = PORT) -> UsageLine:
    return UsageLine(
        id=line_id("caddy", name),
        product=port.rpartition("/")[0],
        port=port,
        protocol="rest",
        consumer="data_product:operations/punctuality",
        contract_version="2.0.0",
        hour=hour,
        requests=3,
        billable_requests=2,
        errors=1,
        bytes_out=4_000_000_000,
        rows=17,
        seconds=0.5,
        received_at=NOON + timedelta(hours=1),
        source="caddy",
    )


def test_a_line_is_read_as_it_was_added_and_added_once(registry: Registry, environment: str) -> None:
    first, second = line("0-100"), replace(line("100-200", NOON + timedelta(hours=1)), rows=None, errors=None, own=True)

    assert add_lines(registry, environment, [first, second]) == 2
    assert add_lines(registry, environment, [replace(first, requests=9), line("200-300")]) == 1

    found = usage_of(registry, environment, PRODUCT, NOON, NOON + timedelta(hours=2))
    assert list(found) == [*sorted((first, line("200-300")), key=lambda each: each.id), second]
    assert add_lines(registry, environment, []) == 0


def test_usage_is_read_by_product_or_port_from_the_first_hour_until_the_end(
    registry: Registry, environment: str
) -> None:
    hours = [line(str(at), NOON + timedelta(hours=at)) for at in range(4)]
    sibling, other = line("b", port=f"{PRODUCT}/routes"), line("c", port="aviation/flights-archive/flights-table")
    add_lines(registry, environment, [*hours, sibling, other])
    within = NOON + timedelta(hours=1, minutes=20)

    assert list(usage_of(registry, environment, PORT, within, NOON + timedelta(hours=3))) == hours[1:3]
    assert sibling in usage_of(registry, environment, PRODUCT, NOON, within)
    assert other not in usage_of(registry, environment, PRODUCT, NOON, within)
    assert usage_of(registry, f"{environment}-other", PRODUCT, NOON, within) == []


def test_a_line_does_not_change(registry: Registry, environment: str) -> None:
    add_lines(registry, environment, [line("0-100")])

    with pytest.raises(DBAPIError, match="a usage line does not change"), registry.writing() as connection:
        connection.execute(update(usage_lines).where(usage_lines.c.environment == environment).values(requests=0))


def test_the_hour_of_a_time_is_in_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))

    assert hour_of(datetime(2026, 3, 1, 17, 45, tzinfo=india)) == NOON


def test_the_id_of_a_line_depends_on_each_of_its_names() -> None:
    assert line_id("a", "1-2", "x") == line_id("a", "1-2", "x")
    assert (
        len(
            {
                line_id("a", "1-2", "x"),
                line_id("a", "1-2", "y"),
                line_id("a", "1-3", "x"),
                line_id("b", "1-2", "x"),
                line_id("a", "1-2", "x", ""),
            }
        )
        == 5
    )
