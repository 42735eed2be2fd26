"""The probes of each hour in one row: which minutes a port answered, and how fast.

Verdicts about uptime and response time read a window of these rows in a few milliseconds, and the answer stays exact
after the observations are summarized.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, delete, insert, select

from alchemesh_platform.measures.measure import RESPONSE_TIME, UPTIME
from alchemesh_platform.registry.tables import observations, probe_hours

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

HOUR = timedelta(hours=1)
MINUTES = 60
ALL = (1 << MINUTES) - 1  # a bit for each minute
_Key = tuple[str, str, datetime]  # subject, measure, hour


@dataclass(slots=True)
class ProbeHour:
    """The probes of one series in one hour.

    Args:
        start: Start of the hour.
        up: A bit for each minute with a probe that answered.
        down: A bit for each minute with a probe that did not answer.
        minutes: The minute of each response time.
        seconds: The response times; infinite for a probe without an answer.
    """

    measure: str
    start: datetime
    up: int
    down: int
    minutes: bytes
    seconds: array[float]


def keep_probes(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add new observations to the rows of their hours, within the transaction that adds them.

    Args:
        rows: Rows of the table of observations, of one environment. Those of other measures are left out.
    """
    found: dict[_Key, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["measure"].partition(":")[0] in (UPTIME, RESPONSE_TIME) and row["outcome"] != "unknown":
            start = row["measured_at"].astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            found.setdefault((row["subject"], row["measure"], start), []).append(row)
    for (subject, measure, start), some in found.items():
        _keep(connection, some[0]["environment"], subject, measure, start, some)


def read_probes(
    registry: Registry,
    environment: str,
    subject: str,
    measures: Collection[str],
    since: datetime,
    until: datetime,
    at: datetime,
) -> list[ProbeHour]:
    """The hours of series that touch a span, oldest first.

    Args:
        since: Start of the span.
        until: End of the span.
        at: The time of a verdict. Later probes of its minute are left out; those of later minutes are not.
    """
    table = probe_hours
    query = (
        select(table.c.measure, table.c.start, table.c.up, table.c.down, table.c.minutes, table.c.seconds)
        .where(
            table.c.environment == environment,
            table.c.subject == subject,
            table.c.measure.in_(list(measures)),
            table.c.start > since - HOUR,
            table.c.start < until,
        )
        .order_by(table.c.start)
    )
    with registry.reading() as connection:
        found = [
            ProbeHour(row.measure, row.start, row.up, row.down, row.minutes, _numbers(row.seconds))
            for row in connection.execute(query)
        ]
        young = [each for each in found if each.start <= at < each.start + HOUR]
        if young:
            _leave_out_later(connection, environment, subject, young, at)
    return found


def forget_probes(connection: Connection, environment: str, before: datetime) -> None:
    """Delete the hours before a time, whose observations are summarized by day."""
    table = probe_hours
    connection.execute(delete(table).where(table.c.environment == environment, table.c.start < before))


def minutes_of(first: int, last: int) -> int:
    """A bit for each minute of an hour from a first one until a last one, which is not part of it."""
    if first <= 0 and last >= MINUTES:
        return ALL
    return ((1 << max(0, min(MINUTES, last))) - 1) & ~((1 << max(0, min(MINUTES, first))) - 1)


def _keep(
    connection: Connection,
    environment: str,
    subject: str,
    measure: str,
    start: datetime,
    rows: Iterable[Mapping[str, Any]],
) -> None:
    table = probe_hours
    named = _named(table, environment, subject, measure, start)
    existing = connection.execute(select(table).where(*named)).one_or_none()
    hour = ProbeHour(measure, start, 0, 0, b"", array("d"))
    if existing is not None:
        hour = ProbeHour(measure, start, existing.up, existing.down, existing.minutes, _numbers(existing.seconds))
    for row in rows:
        _add(hour, row)
    kept = {"up": hour.up, "down": hour.down, "minutes": hour.minutes, "seconds": _bytes(hour.seconds)}
    if existing is not None:
        connection.execute(table.update().where(*named).values(kept))
    else:
        name = {"environment": environment, "subject": subject, "measure": measure, "start": start}
        connection.execute(insert(table), {**name, **kept})


def _add(hour: ProbeHour, row: Mapping[str, Any]) -> None:
    minute = row["measured_at"].minute
    if hour.measure.partition(":")[0] == RESPONSE_TIME:
        hour.minutes = bytes(hour.minutes) + bytes((minute,))
        hour.seconds.append(inf if row["value"] is None else row["value"])
    elif row["total"]:
        if row["good"] == row["total"]:
            hour.up |= 1 << minute
        else:
            hour.down |= 1 << minute


def _leave_out_later(
    connection: Connection, environment: str, subject: str, hours: Iterable[ProbeHour], at: datetime
) -> None:
    """Leave out the probes of a minute that came after a time in it."""
    table = observations
    first = at.astimezone(UTC).replace(second=0, microsecond=0)
    named = {each.measure: each for each in hours}
    query = select(table.c.measure, table.c.measured_at, table.c.value, table.c.good, table.c.total).where(
        table.c.environment == environment,
        table.c.subject == subject,
        table.c.measure.in_(list(named)),
        table.c.outcome != "unknown",
        table.c.measured_at >= first,
        table.c.measured_at < first + timedelta(minutes=1),
    )
    rows: list[dict[str, Any]] = [dict(row._mapping) for row in connection.execute(query)]
    for measure in {row["measure"] for row in rows if row["measured_at"] > at}:
        hour = named[measure]
        kept = [place for place, minute in enumerate(hour.minutes) if minute != first.minute]
        hour.up, hour.down = hour.up & ~(1 << first.minute), hour.down & ~(1 << first.minute)
        hour.seconds = array("d", (hour.seconds[place] for place in kept))
        hour.minutes = bytes(hour.minutes[place] for place in kept)
        for row in rows:
            if row["measure"] == measure and row["measured_at"] <= at:
                _add(hour, row)


def _named(table: Table, environment: str, subject: str, measure: str, start: datetime) -> tuple[Any, ...]:
    return (
        table.c.environment == environment,
        table.c.subject == subject,
        table.c.measure == measure,
        table.c.start == start,
    )


def _numbers(stored: bytes) -> array[float]:
    """Numbers from the registry, which has the bytes of a little-endian machine."""
    numbers = array("d")
    numbers.frombytes(bytes(stored))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _bytes(numbers: array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers = array("d", numbers)
        numbers.byteswap()
    return numbers.tobytes()
