"""The history of measures over a range: raw observations and summaries together, in a bounded number of slots."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Double,
    Label,
    Select,
    Table,
    case,
    cast,
    extract,
    func,
    select,
)

from alchemesh_platform.measures.measure import STATE
from alchemesh_platform.measures.state import PRECEDENCE
from alchemesh_platform.registry.tables import observation_summaries, observations

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

Name = tuple[str, str]  # subject and measure
SlotOutcome = Literal["value", "unknown", "error", "gap"]
GRAINS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_SUBJECTS_MAX = 200  # in one query
_SUMS = ("count", "unknown", "failed", "sum", "good", "total")


@dataclass(frozen=True, slots=True)
class Slot:
    """The observations of one measure in one part of a range.

    Args:
        count: All observations; 0 for a gap.
        unknown: Those without a value because it was unknown.
        failed: Those without a value because measuring it failed.
        value: The ratio of all counts together; of other measures, the mean of the values.
        state: The last reported state of a product; of summaries, the worst one.
        worst_state: The worst reported state of a product.
    """

    start: datetime
    count: int = 0
    unknown: int = 0
    failed: int = 0
    value: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    state: str | None = None
    worst_state: str | None = None

    @property
    def outcome(self) -> SlotOutcome:
        """``value`` if there is one; else ``error`` or ``unknown``; ``gap`` without any observation."""
        if self.count > self.unknown + self.failed:
            return "value"
        return "error" if self.failed else "unknown" if self.unknown else "gap"


@dataclass(frozen=True, slots=True)
class History:
    """The history of one measure: slots of equal width, without holes; a gap is a slot with a count of 0."""

    since: datetime
    width: timedelta
    slots: tuple[Slot, ...]

    @property
    def until(self) -> datetime:
        """The end of the last slot."""
        return self.since + self.width * len(self.slots)


def histories(
    registry: Registry, environment: str, names: Collection[Name], since: datetime, until: datetime, slots: int
) -> dict[Name, History]:
    """The histories of measures over one range. All series together take a few queries.

    Each observation counts once, whether it is raw or summarized. Where the range has summaries that are wider than a
    slot, the slots get their width.

    Args:
        names: Subject and measure of each series.
        since: Start of the range. It moves back to the start of an hour or a day if the range has summaries of those.
        until: End of the range.
        slots: The largest number of slots.
    """
    if not names:
        return {}
    with registry.reading() as connection:
        grain = _widest_grain(connection, environment, names, since, until)
        since = _aligned(since, grain)
        seconds = max(ceil((until - since).total_seconds() / slots), int(grain.total_seconds()), 1)
        width = timedelta(seconds=seconds)
        number = max(ceil((until - since) / width), 1)
        found: dict[Name, dict[int, dict[str, Any]]] = {name: {} for name in names}
        for row in _parts(connection, environment, names, since, until, seconds):
            name, place = (row["subject"], row["measure"]), min(row["slot"], number - 1)
            if name in found:
                found[name][place] = _merged(found[name].get(place), row)
    return {
        name: History(since, width, tuple(_slot(since + width * place, parts.get(place)) for place in range(number)))
        for name, parts in found.items()
    }


def busy(
    registry: Registry, environment: str, names: Collection[Name], since: datetime, until: datetime, at_least: int
) -> frozenset[Name]:
    """The series that have at least so many raw observations in a range."""
    table, number = observations, func.count().label("number")
    query = (
        select(table.c.subject, table.c.measure)
        .where(table.c.environment == environment, table.c.measured_at.between(since, until))
        .group_by(table.c.subject, table.c.measure)
        .having(number >= at_least)
    )
    with registry.reading() as connection:
        found = {(row.subject, row.measure) for row in _of_series(connection, query, table, names)}
    return frozenset(found & set(names))


def _of_series(connection: Connection, query: Select[Any], table: Table, names: Collection[Name]) -> Iterator[Any]:
    """The rows of a query about the series, and possibly of other measures of their subjects."""
    measures = sorted({measure for _, measure in names})
    subjects = sorted({subject for subject, _ in names})
    for start in range(0, len(subjects), _SUBJECTS_MAX):
        some = subjects[start : start + _SUBJECTS_MAX]
        yield from connection.execute(query.where(table.c.subject.in_(some), table.c.measure.in_(measures)))


def _widest_grain(
    connection: Connection, environment: str, names: Collection[Name], since: datetime, until: datetime
) -> timedelta:
    table = observation_summaries
    query = (
        select(table.c.grain)
        .distinct()
        .where(table.c.environment == environment, table.c.start.between(since - GRAINS["day"], until))
    )
    grains = {row.grain for row in _of_series(connection, query, table, names)}
    return max((GRAINS[grain] for grain in grains), default=timedelta(0))


def _aligned(moment: datetime, grain: timedelta) -> datetime:
    whole = moment.astimezone(UTC)
    if grain >= GRAINS["hour"]:
        whole = whole.replace(minute=0, second=0, microsecond=0)
    return whole.replace(hour=0) if grain >= GRAINS["day"] else whole


def _parts(
    connection: Connection, environment: str, names: Collection[Name], since: datetime, until: datetime, seconds: int
) -> Iterator[dict[str, Any]]:
    """The observations and summaries of each slot, added up by the database."""
    table = observations
    place = _place(connection, table.c.measured_at, since, seconds)
    states = [name for name in names if name[1] == STATE]
    counted = select(
        table.c.subject,
        table.c.measure,
        place,
        func.count().label("count"),
        func.sum(case((table.c.outcome == "unknown", 1), else_=0)).label("unknown"),
        func.sum(case((table.c.outcome == "error", 1), else_=0)).label("failed"),
        func.sum(table.c.value).label("sum"),
        func.min(table.c.value).label("minimum"),
        func.max(table.c.value).label("maximum"),
        func.sum(cast(table.c.good, Double)).label("good"),  # SQLite refuses a sum of more than 64 bits
        func.sum(cast(table.c.total, Double)).label("total"),
    ).where(table.c.environment == environment, table.c.measured_at.between(since, until))
    grouped = counted.group_by(table.c.subject, table.c.measure, place)
    reported = _states(connection, environment, states, since, until, seconds)
    for row in _of_series(connection, grouped, table, names):
        last, worst = reported.get((row.subject, row.slot), (None, None)) if row.measure == STATE else (None, None)
        yield {**row._mapping, "state": last, "worst_state": worst}
    table = observation_summaries
    place = _place(connection, table.c.start, since, seconds)
    summed = select(table, place).where(table.c.environment == environment, table.c.start.between(since, until))
    for row in _of_series(connection, summed, table, names):
        yield {**row._mapping, "state": row.worst_state}  # the order of states within a summary is not known


def _place(connection: Connection, moment: Column[datetime], since: datetime, seconds: int) -> Label[int]:
    """The number of the slot that a time belongs to."""
    epoch: ColumnElement[Any] = extract("epoch", moment)
    if connection.dialect.name != "sqlite":
        epoch = func.floor(epoch)  # PostgreSQL has fractions of seconds
    return ((cast(epoch, BigInteger) - int(since.timestamp())) // seconds).label("slot")


def _states(
    connection: Connection, environment: str, names: Collection[Name], since: datetime, until: datetime, seconds: int
) -> dict[tuple[str, int], tuple[str, str]]:
    """The last and the worst reported state by subject and slot. Of two at the same time, the worse one is the last."""
    if not names:
        return {}
    table = observations
    place = _place(connection, table.c.measured_at, since, seconds)
    last = func.max(table.c.measured_at).label("last")
    query = (
        select(table.c.subject, place, table.c.state, last)
        .where(
            table.c.environment == environment,
            table.c.measured_at.between(since, until),
            table.c.state.is_not(None),
        )
        .group_by(table.c.subject, place, table.c.state)
    )
    rows: dict[tuple[str, int], list[Any]] = {}
    for row in _of_series(connection, query, table, names):
        rows.setdefault((row.subject, row.slot), []).append(row)
    return {
        name: (
            max(some, key=lambda row: (row.last, -PRECEDENCE.index(row.state))).state,
            min((row.state for row in some), key=PRECEDENCE.index),
        )
        for name, some in rows.items()
    }


def _merged(one: Mapping[str, Any] | None, other: Mapping[str, Any]) -> dict[str, Any]:
    if one is None:
        return dict(other)
    whole = dict(other)
    for name in (*_SUMS, "minimum", "maximum"):
        given = [each[name] for each in (one, other) if each[name] is not None]
        if not given:
            whole[name] = None
        elif name in _SUMS:
            whole[name] = sum(given)
        else:
            whole[name] = min(given) if name == "minimum" else max(given)
    states = [each["worst_state"] for each in (one, other) if each["worst_state"] is not None]
    whole["worst_state"] = min(states, key=PRECEDENCE.index, default=None)
    whole["state"] = one["state"] or other["state"]  # raw observations come first, and are newer than summaries
    return whole


def _slot(start: datetime, parts: Mapping[str, Any] | None) -> Slot:
    if parts is None:
        return Slot(start)
    count, unknown, failed = (int(parts[name] or 0) for name in ("count", "unknown", "failed"))
    valued = count - unknown - failed
    if parts["total"] and parts["good"] is not None:
        value: float | None = int(parts["good"]) / int(parts["total"])
    else:
        value = parts["sum"] / valued if parts["sum"] is not None and valued else None
    return Slot(
        start, count, unknown, failed, value, parts["minimum"], parts["maximum"], parts["state"], parts["worst_state"]
    )
