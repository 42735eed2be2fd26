"""Usage lines: the usage of an output port by one consumer in one hour, as one reading of a source found it.

The table only grows. A line has an id of its source and of the part of the source that it counts, so that the same part
adds nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from alchemesh_platform.registry.tables import usage_lines
from alchemesh_platform.registry.writes import insert_if_absent

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

LOCK = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """The usage of an output port by one consumer in one hour, as one reading of one source found it.

    Args:
        id: Name of the line, from the source and the part of it that the line counts: :func:`line_id`.
        product: ``domain/product`` of the port.
        port: Address of the output port.
        protocol: ``rest``, ``graphql``, ``sql``, ``kafka`` …
        consumer: ``data_product:domain/name``, ``user:email``, ``technical_team:domain/name`` or ``data_domain:name``;
            empty for requests without a valid credential.
        contract_version: Version of the contract at the time of the requests; empty if none was recorded.
        hour: Start of the hour, in UTC.
        requests: All requests.
        billable_requests: Requests that a bill counts: of a known consumer, and answered without an error.
        errors: Requests that failed; None where the source does not know.
        bytes_out: Bytes of the answers. Failed requests have lines of their own where the source knows them, so that a
            bill counts the bytes of answered requests only.
        rows: Rows of the answers; None where the source does not know.
        seconds: Sum of the response times.
        own: Whether the platform's own probes caused it. No bill counts it.
        received_at: Time at which the registry accepted the line.
        source: Name of the source.
    """

    id: str
    product: str
    port: str
    protocol: str
    consumer: str
    contract_version: str
    hour: datetime
    requests: int
    billable_requests: int
    errors: int | None = 0
    bytes_out: int = 0
    rows: int | None = None
    seconds: float = 0.0
    own: bool = False
    received_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """The usage of a port by one consumer over one protocol, under one version of its contract, in a span of time.

    Args:
        errors: Failed requests; None if the source does not know.
        bytes_out: Bytes of the answers; None if the source does not know: rows without bytes do not exist.
        rows: Rows of the answers, as far as they are known.
        rows_unknown: Requests with an unknown number of rows.
    """

    port: str
    consumer: str
    protocol: str
    contract_version: str
    own: bool
    requests: int
    billable_requests: int
    errors: int | None
    bytes_out: int | None
    rows: int | None
    rows_unknown: int
    seconds: float


_GROUPED = ("port", "consumer", "protocol", "contract_version", "own")
_TOTALS = tuple(field.name for field in fields(UsageTotal))
_NAMES = tuple(field.name for field in fields(UsageLine))


def line_id(source: str, part: str, *names: object) -> str:
    """The id of a line: the same source, part and names always give the same id.

    Args:
        part: The part of the source that the line counts, such as a range of offsets in a file.
        names: The values in which lines of one part differ: consumer, hour and so on.
    """
    return hashlib.sha256("\x00".join([source, part, *map(str, names)]).encode()).hexdigest()[:32]


def hour_of(moment: datetime) -> datetime:
    """The start of the hour of a time, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def add_lines(registry: Registry, environment: str, lines: Iterable[UsageLine]) -> int:
    """Add lines. A line whose id exists is left as it is; returns the number of new ones."""
    with registry.writing() as connection:
        return insert_lines(connection, environment, lines)


def insert_lines(connection: Connection, environment: str, lines: Iterable[UsageLine]) -> int:
    """Add lines in the transaction of a connection; returns the number of new ones."""
    rows = [{"environment": environment, **{name: getattr(line, name) for name in _NAMES}} for line in lines]
    if not rows:
        return 0
    added = insert_if_absent(connection, usage_lines).returning(usage_lines.c.id)
    return len(connection.execute(added, rows).all())


def usage_of(
    registry: Registry, environment: str, address: str, since: datetime, until: datetime
) -> Sequence[UsageLine]:
    """The usage lines of a product or port, by hour.

    Args:
        address: ``domain/product``, or the address of an output port.
        since: The first hour.
        until: The end; an hour that starts then is not in it.
    """
    table = usage_lines
    query = select(*(table.c[name] for name in _NAMES)).where(*_within(environment, address, since, until))
    with registry.reading() as connection:
        rows = connection.execute(query.order_by(table.c.hour, table.c.port, table.c.id)).all()
    return [UsageLine(**dict(zip(_NAMES, row, strict=True))) for row in rows]


def totals_of(
    registry: Registry, environment: str, address: str, since: datetime, until: datetime
) -> Sequence[UsageTotal]:
    """The usage of a product or port by port, consumer, protocol and version; see :func:`usage_of`."""
    table = usage_lines
    groups = [table.c[name] for name in _GROUPED]
    query = (
        select(
            *groups,
            func.sum(table.c.requests),
            func.sum(table.c.billable_requests),
            case((func.count() == func.sum(case((table.c.errors.is_(None), 0), else_=1)), func.sum(table.c.errors))),
            func.sum(table.c.bytes_out),
            func.sum(table.c.rows),
            func.sum(case((table.c.rows.is_(None), table.c.requests), else_=0)),
            func.sum(table.c.seconds),
        )
        .where(*_within(environment, address, since, until))
        .group_by(*groups)
    )
    with registry.reading() as connection:
        found = [tuple(row) for row in connection.execute(query)]
    return [_total(row) for row in sorted(found, key=lambda row: row[: len(_GROUPED)])]


def _total(row: Sequence[Any]) -> UsageTotal:
    *values, seconds = row
    names, numbers = values[: len(_GROUPED)], values[len(_GROUPED) :]
    counts = [None if number is None else int(number) for number in numbers]
    total = dict(zip(_TOTALS, [*names, *counts, float(seconds)], strict=True))
    if total["rows"] and not total["bytes_out"]:
        total["bytes_out"] = None
    return UsageTotal(**total)


@dataclass(frozen=True, slots=True)
class Used:
    """The usage of one consumer in a span of time, as far as it was received."""

    consumer: str
    requests: int
    bytes: int
    rows: int
    rows_unknown: int


def used_by(registry: Registry, environment: str, port: str, since: datetime, until: datetime) -> list[Used]:
    """The usage of a port by each consumer, from lines that were received until the end. Own use does not count."""
    table = usage_lines
    query = (
        select(
            table.c.consumer,
            func.sum(table.c.requests),
            func.sum(table.c.bytes_out),
            func.coalesce(func.sum(table.c.rows), 0),
            func.sum(case((table.c.rows.is_(None), table.c.requests), else_=0)),
        )
        .where(
            *_within(environment, port, since, until + timedelta(hours=1)),  # with the hour of the end
            table.c.received_at <= until,
            table.c.consumer != "",
            table.c.own.is_(False),
        )
        .group_by(table.c.consumer)
        .order_by(table.c.consumer)
    )
    with registry.reading() as connection:
        return [Used(row[0], *(int(number) for number in row[1:])) for row in connection.execute(query)]


def _within(environment: str, address: str, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    table = usage_lines
    column = table.c.port if address.count("/") > 1 else table.c.product
    return (
        table.c.environment == environment,
        column == address,
        table.c.hour >= hour_of(since),
        table.c.hour < until,
    )
