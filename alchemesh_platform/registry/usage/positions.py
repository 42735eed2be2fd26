"""The positions of the readers of usage: a position changes in one transaction with the lines up to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from alchemesh_platform.registry.tables import usage_gaps, usage_lines, usage_positions
from alchemesh_platform.registry.usage.lines import LOCK, UsageLine, insert_lines, line_id
from alchemesh_platform.registry.writes import insert_if_absent

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of a source of usage that disappeared before it was read: the usage of that time is incomplete.

    Args:
        since: Time up to which the source was read before; None if unknown.
        until: Time of the reading that found the gap.
        reason: The reason, in a sentence.
    """

    product: str
    port: str
    source: str
    since: datetime | None
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Read:
    """The last reading of a source of usage."""

    port: str
    source: str
    read_at: datetime


def position_of(registry: Registry, environment: str, source: str) -> str | None:
    """The position of a source, as the text of a JSON object; None if it was never read."""
    table = usage_positions
    query = select(table.c.document).where(table.c.environment == environment, table.c.source == source)
    with registry.reading() as connection:
        return connection.execute(query).scalar()


def move(
    registry: Registry,
    environment: str,
    source: str,
    port: str,
    before: str | None,
    after: Mapping[str, Any],
    lines: Sequence[UsageLine],
    gaps: Iterable[Gap],
) -> bool:
    """Move the position of a source and add the lines and gaps that were found: all of it, or nothing.

    Args:
        before: The position that the lines were read from, from :func:`position_of`.
        after: The position after them.
        lines: The lines. The time at which they are received is set here.

    Returns:
        False if another process has moved the position meanwhile. Nothing was added then.
    """
    table = usage_positions
    name = (table.c.environment == environment, table.c.source == source)
    with changing(registry, environment, port) as joined, joined.writing() as connection:
        if connection.execute(select(table.c.document).where(*name)).scalar() != before:
            return False
        now = joined.now()
        row = {"read_at": now, "document": json.dumps(after, separators=(",", ":"))}
        insert_lines(connection, environment, [replace(line, received_at=now) for line in lines])
        for gap in gaps:
            kept = {each: getattr(gap, each) for each in Gap.__slots__}
            names = {"environment": environment, "id": line_id(source, gap.until.isoformat(), gap.reason)}
            connection.execute(insert_if_absent(connection, usage_gaps), {**names, **kept})
        if before is None:
            names = {"environment": environment, "source": source, "product": port.rpartition("/")[0], "port": port}
            connection.execute(insert(table), {**names, **row})
        else:
            connection.execute(update(table).where(*name), row)
    return True


def changing(registry: Registry, environment: str, port: str) -> AbstractContextManager[Registry]:
    """A transaction in which nobody else adds usage of a port."""
    return registry.transaction(f"{LOCK} {environment} {port}")


def received(registry: Registry, environment: str, port: str, after: datetime | None) -> int:
    """The requests of consumers to a port whose lines were received after a time."""
    table = usage_lines
    query = select(func.coalesce(func.sum(table.c.requests), 0)).where(
        table.c.environment == environment,
        table.c.port == port,
        table.c.consumer != "",
        table.c.own.is_(False),
        *([table.c.received_at > after] if after is not None else []),
    )
    with registry.reading() as connection:
        return int(connection.execute(query).scalar_one())


def gaps_of(registry: Registry, environment: str, address: str, since: datetime, until: datetime) -> list[Gap]:
    """The gaps in the usage of a product or port that reach into a span of time, by time."""
    table = usage_gaps
    column = table.c.port if address.count("/") > 1 else table.c.product
    query = select(*(table.c[name] for name in Gap.__slots__)).where(
        table.c.environment == environment,
        column == address,
        table.c.until >= since,
        or_(table.c.since.is_(None), table.c.since < until),
    )
    with registry.reading() as connection:
        return [Gap(*row) for row in connection.execute(query.order_by(table.c.until, table.c.id))]


def readings_of(registry: Registry, environment: str, address: str) -> list[Read]:
    """The last reading of each source of a product or port."""
    table = usage_positions
    column = table.c.port if address.count("/") > 1 else table.c.product
    query = select(table.c.port, table.c.source, table.c.read_at).where(
        table.c.environment == environment, column == address
    )
    with registry.reading() as connection:
        return [Read(*row) for row in connection.execute(query.order_by(table.c.source))]
