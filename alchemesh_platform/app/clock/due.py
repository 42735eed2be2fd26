"""The next run of a schedule that is due, by the history of runs. There is no second store of times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from alchemesh_platform.registry.records import Change, Deployment
    from alchemesh_platform.sdk.code.timetable import Timetable

CatchUp = Literal["latest", "all", "none"]

# A run that starts within this time is on time. It covers a busy machine and a restart of the clock.
ON_TIME = timedelta(minutes=1)
# A clock of the machine that is set back repeats no time. A recorded time that is further ahead comes of a clock that
# was wrong, so it does not count.
SET_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A run that is due.

    Args:
        at: The time of the schedule.
        previous: The time of the schedule before it. The run is about the data between the two.
    """

    at: datetime
    previous: datetime


def next_due(timetable: Timetable, after: datetime, now: datetime, rule: CatchUp) -> Due | None:
    """The run that is due now; None without one.

    Args:
        after: The last time that was run, or the time from which the schedule applies.
        now: The time of this machine.
        rule: Which of several missed times is run: the latest one, each one in order, or none.
    """
    at: datetime | None = None
    for each in timetable.between(after, now):
        at = each
        if rule == "all":
            break
    if at is None or (rule == "none" and now - at > ON_TIME):
        return None
    return Due(at, timetable.last_before(at) or after)


def last_run(runs: Iterable[Deployment], now: datetime) -> datetime | None:
    """The latest time of a schedule that was run, successfully or not; None before the first."""
    found = (run.interval[1] for run in runs if run.trigger == "schedule" and run.interval is not None)
    return max((each for each in found if each <= now + SET_BACK), default=None)


def applies_since(changes: Iterable[Change], timetable: Timetable) -> datetime | None:
    """The time at which a product was deployed with its present schedule; None if the history does not know it.

    Args:
        changes: The changes of the product's record, newest first.
    """
    since: datetime | None = None
    for change in changes:
        code = change.document.get("code") or {}
        connection = code.get("connection") or {}
        same = (connection.get("schedule"), connection.get("time_zone") or "UTC") == (
            timetable.schedule,
            timetable.time_zone,
        )
        if change.change == "removed" or not same:
            break
        since = change.at
    return since
