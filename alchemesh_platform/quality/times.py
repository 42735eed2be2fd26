"""The times of a model: the age of its data, timely rows, and rows from the future. No side effects.

The newest event of all rows is a count that does not depend on the time of the measurement, so a table that only grew
is read where it grew. Only if that event is in the future, a second statement looks for the newest one that does not,
and counts the rows from the future.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alchemesh_platform.manifest.models import Property, SemanticModel
from alchemesh_platform.measures.measure import DATA_AGE, NO_ROWS, TIMELINESS
from alchemesh_platform.measures.report import SKEW
from alchemesh_platform.quality.dialect import DUCKDB, Dialect
from alchemesh_platform.quality.statement import Counted, Counts, Sum

NO_EVENT = "no row has an event time"
ALL_IN_FUTURE = "every event time is in the future"
NOT_BOTH = "no row has both times"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Times:
    """The times that a model declares.

    Args:
        event: Property with the event time.
        ingestion: Property with the ingestion time.
        limit: Longest time between the two of a timely row.
    """

    event: str
    ingestion: str | None = None
    limit: timedelta | None = None


def times_of(model: SemanticModel) -> Times | None:
    """The times of a model; None if it declares no event time."""
    if model.event_time is None or model.event_time not in model.properties:
        return None
    return Times(model.event_time, model.ingestion_time, model.timeliness)


@dataclass(frozen=True, slots=True)
class TimeSums:
    """The counts of the times of a model.

    Args:
        newest: The newest event time, in microseconds.
        events: The number of rows with an event time.
        both: The number of rows with both times; None without a limit of timeliness.
        timely: The number of those within the limit.
        event: The expression of the event time, in microseconds.
        dialect: The SQL of the storage.
    """

    newest: Sum
    events: Sum
    both: Sum | None
    timely: Sum | None
    event: str
    dialect: Dialect

    @property
    def sums(self) -> tuple[Sum, ...]:
        """Each sum."""
        return tuple(each for each in (self.newest, self.events, self.both, self.timely) if each is not None)

    def future(self, counts: Counts, moment: datetime) -> tuple[Sum, Sum] | None:
        """If an event is in the future: the newest one that does not, and the number of rows from the future.

        Args:
            moment: Time of the measurement. Up to five minutes later is not the future: clocks differ.
        """
        newest = counts.sums[self.newest]
        last = _micros(moment + SKEW)
        if newest is None or newest <= last:
            return None
        past = f"max(CASE WHEN {self.event} <= {last} THEN {self.event} END)"
        return Sum(past, greatest=True, momentary=True), Sum(
            self.dialect.number_of(f"{self.event} > {last}"), momentary=True
        )

    def data_age(self, newest: int | None, events: int, rows: int, moment: datetime) -> Counted:
        """The age of the newest event that is not in the future."""
        if rows == 0:
            return Counted(DATA_AGE, unknown=NO_ROWS)
        if newest is None:
            return Counted(DATA_AGE, unknown=ALL_IN_FUTURE if events else NO_EVENT)
        return Counted(DATA_AGE, seconds=max((_micros(moment) - newest) / 1_000_000, 0.0))

    def timeliness(self, counts: Counts, rows: int) -> Counted | None:
        """The share of timely rows; None if the model declares no limit."""
        if self.both is None or self.timely is None:
            return None
        total = counts.of(self.both)
        if rows == 0:
            return Counted(TIMELINESS, unknown=NO_ROWS)
        return Counted(TIMELINESS, counts.of(self.timely), total) if total else Counted(TIMELINESS, unknown=NOT_BOTH)


def time_sums(times: Times, properties: Mapping[str, Property], dialect: Dialect = DUCKDB) -> TimeSums:
    """The counts of the times of a model.

    Args:
        properties: The properties of the model.
        dialect: The SQL of the storage.
    """
    column = dialect.name(times.event)
    event = dialect.micros(column, properties[times.event])
    both = timely = None
    if times.limit is not None and times.ingestion is not None and times.ingestion in properties:
        other = dialect.name(times.ingestion)
        ingested = dialect.micros(other, properties[times.ingestion])
        present = f"{column} IS NOT NULL AND {other} IS NOT NULL"
        limit = times.limit // _MICROSECOND
        both = Sum(dialect.number_of(present))
        timely = Sum(dialect.number_of(f"{present} AND {ingested} - {event} <= {limit}"))
    return TimeSums(
        Sum(f"max({event})", greatest=True),
        Sum(f"count({column})", "present", (times.event,)),
        both,
        timely,
        event,
        dialect,
    )


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
