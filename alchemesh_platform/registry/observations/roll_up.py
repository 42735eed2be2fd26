"""Summarize old observations: by hour first, by day later. Every observation is counted once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, Connection, Delete, bindparam, delete, func, insert, select

from alchemesh_platform.measures.histogram import Histogram, as_text, bucket_of, from_text, together
from alchemesh_platform.measures.measure import RESPONSE_TIME, UPTIME
from alchemesh_platform.measures.report import OLDEST
from alchemesh_platform.measures.state import PRECEDENCE
from alchemesh_platform.registry.observations.probe_hours import forget_probes
from alchemesh_platform.registry.observations.series import LOCK
from alchemesh_platform.registry.tables import observation_summaries, observations, summarized_observations

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

Grain = Literal["hour", "day"]
BATCH = 2_000
SUBJECTS = 500  # in one query
DAY_SUBJECTS = 50  # whose hours of a day are summarized together: each day is written once
_LARGEST = 2**63 - 1  # of a column of 64 bits
_NAMES = ("environment", "subject", "measure", "grain", "start")
_Name = tuple[str, str, datetime]
_SUMS = ("count", "unknown", "failed", "sum", "good", "total")


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long observations stay as they are, and how long their summaries by hour stay. Summaries by day stay.

    Args:
        raw: Age after which observations are summarized by hour.
        hourly: Age after which hours are summarized by day.
    """

    raw: timedelta = timedelta(days=30)
    hourly: timedelta = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class RolledUp:
    """The numbers of summarized observations and hours."""

    observations: int = 0
    hours: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The observations of one measure in one hour or day.

    Args:
        count: All observations.
        unknown: Those without a value because it was unknown.
        failed: Those without a value because measuring it failed.
        sum: Sum of the values; None without values.
        good: Sum of the good counts of a ratio.
        total: Sum of the total counts of a ratio.
        worst_state: The worst state of a product.
        buckets: The histogram of response times; None of other measures.
    """

    start: datetime
    count: int
    unknown: int
    failed: int
    sum: float | None
    minimum: float | None
    maximum: float | None
    good: int | None
    total: int | None
    worst_state: str | None
    buckets: Histogram | None = None

    @property
    def value(self) -> float | None:
        """The ratio of all counts together; of other measures, the mean of the values."""
        if self.total and self.good is not None:
            return self.good / self.total
        valued = self.count - self.unknown - self.failed
        return self.sum / valued if self.sum is not None and valued else None


def roll_up(registry: Registry, environment: str, now: datetime, keeping: Keeping) -> RolledUp:
    """Summarize what is older than its time. Each batch is one transaction, so a kill loses and doubles nothing."""
    counted = hours = 0
    before = _start(now - keeping.raw, "hour")
    while number := _raw_batch(registry, environment, before):
        counted += number
    before = _start(now - max(keeping.hourly, keeping.raw), "day")
    while (day := _oldest_day(registry, environment, before)) is not None:
        subjects = _subjects_of(registry, environment, day)
        for start in range(0, len(subjects), DAY_SUBJECTS):
            hours += _day_batch(registry, environment, day, subjects[start : start + DAY_SUBJECTS])
    table = summarized_observations
    with registry.writing() as connection:
        forget_probes(connection, environment, before)
        old = now - OLDEST - timedelta(days=1)  # a report of that age is refused, so nobody asks for its id
        connection.execute(delete(table).where(table.c.environment == environment, table.c.measured_at < old))
    return RolledUp(counted, hours)


def summaries(
    registry: Registry, environment: str, subject: str, measure: str, grain: Grain, since: datetime, until: datetime
) -> list[Summary]:
    """The summaries of one measure, oldest first."""
    table = observation_summaries
    query = select(table).where(
        table.c.environment == environment,
        table.c.subject == subject,
        table.c.measure == measure,
        table.c.grain == grain,
        table.c.start.between(since, until),
    )
    with registry.reading() as connection:
        return [_summary(row) for row in connection.execute(query.order_by("start"))]


def last_summary(
    registry: Registry, environment: str, subject: str, measure: str, until: datetime
) -> tuple[Grain, Summary] | None:
    """The newest summary of a measure that began until a time, with its grain; None if there is none."""
    table = observation_summaries
    query = (
        select(table)
        .where(
            table.c.environment == environment,
            table.c.subject == subject,
            table.c.measure == measure,
            table.c.start <= until,
        )
        .order_by(table.c.start.desc())
        .limit(1)
    )
    with registry.reading() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else (row.grain, _summary(row))


def _summary(row: Any) -> Summary:
    named = {name: getattr(row, name) for name in Summary.__slots__}
    return Summary(**{**named, "buckets": from_text(row.buckets)})


def _raw_batch(registry: Registry, environment: str, before: datetime) -> int:
    table = observations
    old = (table.c.environment == environment, table.c.measured_at < before)
    query = select(table).where(*old).order_by(table.c.measured_at).limit(BATCH)
    with registry.transaction(f"{LOCK} {environment}") as joined, joined.writing() as connection:
        rows = connection.execute(query).all()
        if not rows:
            return 0
        _add(connection, environment, "hour", _parts(rows))
        ids = [
            {"environment": environment, "id": row.id, "digest": row.digest, "measured_at": row.measured_at}
            for row in rows
        ]
        connection.execute(insert(summarized_observations), ids)
        for start in range(0, len(rows), 500):
            some = [row.id for row in rows[start : start + 500]]
            connection.execute(delete(table).where(table.c.environment == environment, table.c.id.in_(some)))
    return len(rows)


def _oldest_day(registry: Registry, environment: str, before: datetime) -> datetime | None:
    """The oldest day that has summaries by hour; None if all of them are younger."""
    table = observation_summaries
    query = select(func.min(table.c.start)).where(
        table.c.environment == environment, table.c.grain == "hour", table.c.start < before
    )
    with registry.reading() as connection:
        oldest: datetime | None = connection.execute(query).scalar()
    return None if oldest is None else _start(oldest, "day")


def _hours_of(environment: str, day: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of the summaries by hour of a day. They name each hour, so that the index finds a subject's."""
    table = observation_summaries
    hours = [day + timedelta(hours=hour) for hour in range(24)]
    return table.c.environment == environment, table.c.grain == "hour", table.c.start.in_(hours)


def _subjects_of(registry: Registry, environment: str, day: datetime) -> list[str]:
    query = select(observation_summaries.c.subject).distinct().where(*_hours_of(environment, day))
    with registry.reading() as connection:
        return sorted(connection.execute(query).scalars())


def _day_batch(registry: Registry, environment: str, day: datetime, subjects: Collection[str]) -> int:
    table = observation_summaries
    query = select(table).where(*_hours_of(environment, day), table.c.subject.in_(subjects))
    with registry.transaction(f"{LOCK} {environment}") as joined, joined.writing() as connection:
        rows = [dict(row._mapping) for row in connection.execute(query.order_by(*(table.c[name] for name in _NAMES)))]
        if rows:
            _add(connection, environment, "day", rows)
            connection.execute(_delete_one(), [{name: row[name] for name in _NAMES} for row in rows])
    return len(rows)


def _parts(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The parts of observations. A slice of uptime counts once: it was down if one of its probes failed."""
    parts: list[dict[str, Any]] = []
    slices: dict[tuple[str, str, datetime], dict[str, Any]] = {}
    for row in rows:
        part = _of_observation(row)
        parts.append(part)
        if row.measure.partition(":")[0] != UPTIME or not row.total:
            continue
        name = (row.subject, row.measure, row.measured_at.replace(second=0, microsecond=0))
        first = slices.setdefault(name, part)
        if first is not part:
            first["good"] = min(first["good"], int(row.good == row.total))
            part["good"] = part["total"] = None
        else:
            part["good"], part["total"] = int(row.good == row.total), 1
    return parts


def _of_observation(row: Any) -> dict[str, Any]:
    return {
        "subject": row.subject,
        "measure": row.measure,
        "start": row.measured_at,
        "count": 1,
        "unknown": int(row.outcome == "unknown"),
        "failed": int(row.outcome == "error"),
        "sum": row.value,
        "minimum": row.value,
        "maximum": row.value,
        "good": row.good,
        "total": row.total,
        "worst_state": row.state,
        "buckets": as_text({bucket_of(row.value): 1} if _has_histogram(row) else None),
    }


def _has_histogram(row: Any) -> bool:
    return row.measure.partition(":")[0] == RESPONSE_TIME and row.value is not None


def _add(connection: Connection, environment: str, grain: Grain, parts: Iterable[Mapping[str, Any]]) -> None:
    """Add parts to the summaries of their hours or days."""
    table = observation_summaries
    found: dict[_Name, dict[str, Any]] = {}
    for part in parts:
        name = (part["subject"], part["measure"], _start(part["start"], grain))
        found[name] = _merged(found[name], part) if name in found else dict(part)
    key = {"environment": environment, "grain": grain}
    existing = _existing(connection, environment, grain, found)
    if existing:
        connection.execute(
            _delete_one(), [{**key, "subject": name[0], "measure": name[1], "start": name[2]} for name in existing]
        )
    rows = [
        {
            **(_merged(existing[name], summary) if name in existing else summary),
            **key,
            "subject": name[0],
            "measure": name[1],
            "start": name[2],
        }
        for name, summary in found.items()
    ]
    if rows:
        connection.execute(insert(table), rows)


def _existing(
    connection: Connection, environment: str, grain: Grain, names: Collection[_Name]
) -> dict[_Name, dict[str, Any]]:
    """The recorded summaries that have these names, read in a few queries."""
    table = observation_summaries
    if not names:
        return {}
    starts = {start for _, _, start in names}
    subjects = sorted({subject for subject, _, _ in names})
    found: dict[_Name, dict[str, Any]] = {}
    for first in range(0, len(subjects), SUBJECTS):
        query = select(table).where(
            table.c.environment == environment,
            table.c.grain == grain,
            table.c.subject.in_(subjects[first : first + SUBJECTS]),
            table.c.start.in_(starts),
        )
        for row in connection.execute(query):
            name = (row.subject, row.measure, row.start)
            if name in names:
                found[name] = dict(row._mapping)
    return found


def _delete_one() -> Delete:
    """Deletes a summary by its name, for many of them at once."""
    table = observation_summaries
    return delete(table).where(*(table.c[name] == bindparam(name, type_=table.c[name].type) for name in _NAMES))


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    whole = dict(one)
    for name in _SUMS:
        given = [each[name] for each in (one, other) if each[name] is not None]
        whole[name] = sum(given) if given else None
    whole["good"], whole["total"] = _kept_counts(whole["good"], whole["total"])
    for name, chosen in (("minimum", min), ("maximum", max)):
        given = [each[name] for each in (one, other) if each[name] is not None]
        whole[name] = chosen(given) if given else None
    given = [found for each in (one, other) if (found := from_text(each["buckets"])) is not None]
    whole["buckets"] = as_text(together(given) if given else None)
    states = [each["worst_state"] for each in (one, other) if each["worst_state"] is not None]
    whole["worst_state"] = min(states, key=PRECEDENCE.index, default=None)
    return whole


def _kept_counts(good: int | None, total: int | None) -> tuple[int | None, int | None]:
    """Counts that a column can keep. Sums that are too large keep their ratio."""
    if good is None or total is None or total <= _LARGEST:
        return good, total
    return good * _LARGEST // total, _LARGEST


def _start(moment: datetime, grain: Grain) -> datetime:
    """The start of the hour or day of a time, in UTC."""
    whole = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole if grain == "hour" else whole.replace(hour=0)
