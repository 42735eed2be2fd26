"""The quality of a model: one statement for its counts, and the measures that follow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.quality.statement import ROWS, Counted, Counts, statement_of
from alchemesh_platform.quality.tables import Tables
from alchemesh_platform.quality.times import Times, TimeSums, time_sums

if TYPE_CHECKING:
    from alchemesh_platform.manifest.models import Property


def measured(
    tables: Tables,
    model: str,
    properties: Mapping[str, Property],
    seconds: float,
    times: Times | None = None,
    moment: datetime | None = None,
) -> tuple[Counted, ...]:
    """Completeness, validity and uniqueness of a model; with an event time, the age of its data and timely rows too.

    Rows whose event is in the future are invalid.

    Args:
        tables: The tables of the port.
        model: The model.
        properties: Its properties.
        seconds: The time limit.
        times: Its times, if it declares an event time.
        moment: Time of the measurement, which the age of the data needs.

    Raises:
        TooSlow: when the statements do not end in time.
        NotMeasurable: when the storage does not count this, or the limits do not allow it.
        Exception: when the rows cannot be read.
    """
    end = time.monotonic() + seconds
    statement = statement_of(properties, tables.dialect, typed=tables.typed)
    timed = time_sums(times, properties, tables.dialect) if times is not None else None
    sums = tuple(dict.fromkeys((*statement.sums, *(timed.sums if timed is not None else ()))))
    counts = tables.counts(model, sums, statement.groups, seconds)
    found = statement.measures(counts)
    if timed is None or moment is None:
        return found
    newest, future = counts.sums[timed.newest], 0
    if (later := timed.future(counts, moment)) is not None:
        more = tables.counts(model, later, (), max(end - time.monotonic(), 0.0))
        newest, future = more.sums[later[0]], more.of(later[1])
    return _timed(found, timed, counts, newest, future, moment)


def _timed(
    found: Sequence[Counted], times: TimeSums, counts: Counts, newest: int | None, future: int, moment: datetime
) -> tuple[Counted, ...]:
    """The measures with those of the times. An event time is a condition on its cells: it is not in the future."""
    events, rows = counts.of(times.events), counts.of(ROWS)
    of_times = (times.data_age(newest, events, rows, moment), times.timeliness(counts, rows))
    return (
        *(_limited(each, events, future) if each.measure == "validity" and rows else each for each in found),
        *(each for each in of_times if each is not None),
    )


def _limited(validity: Counted, events: int, future: int) -> Counted:
    if not events:
        return validity
    return replace(validity, good=validity.good + events - future, total=validity.total + events, unknown="")
