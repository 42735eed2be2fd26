"""The largest gap between updates in a window, with a lower and an upper bound. No side effects.

A measurement of the change age proves that nothing changed between the last change and the measurement. Between a
measurement and the next change, data could have changed without being seen. So each gap has a proven part, and a length
that it has at most.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from alchemesh_platform.measures.report import SKEW

DAY = timedelta(days=1)
SAME = timedelta(seconds=1)  # two observations of one change differ by less
TOLERANCE = 0.05  # of the promise, and at most the skew of two clocks


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation of the last change.

    Args:
        at: Time of the measurement.
        age: Time since the last change.
        uncertain: The measurement, and so the change, may be later by up to this span: it is summarized by hour or day.
    """

    at: datetime
    age: timedelta
    uncertain: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Gap:
    """A span without an update."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """Its length; zero if it would be negative."""
        return max(self.end - self.start, timedelta(0))


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gaps of a window.

    Args:
        proven: Spans in which certainly nothing was updated.
        possible: Spans in which perhaps nothing was updated; each gap of the window is in one of them.
    """

    proven: tuple[Gap, ...] = ()
    possible: tuple[Gap, ...] = ()


def gaps_of(
    seen: Iterable[Seen], nothing_new: Iterable[tuple[datetime, timedelta]], since: datetime, now: datetime
) -> Gaps:
    """The gaps of a window, the open one included.

    Args:
        seen: The observations of the last change in the window.
        nothing_new: Times at which the source had nothing new, each with its uncertainty. They count as updates.
        since: The start of the window. A gap that began before it counts as a whole if its start was seen.
        now: The end of the window.
    """
    changes = _changes(seen)
    events = sorted([*((each.first, each.until) for each in changes), *((at, at + more) for at, more in nothing_new)])
    events = [(first, min(until, now)) for first, until in events if first <= now]
    proven = [gap for each in changes for gap in _proven(each, events)]
    return Gaps(tuple(proven), tuple(_possible(events, since, now)))


def exceeds(gap: Gap, promised: timedelta, zone: tzinfo) -> bool:
    """Whether a gap is longer than promised. Days are days of the time zone: one has 23 or 25 hours at a clock change.

    Args:
        promised: The longest gap.
        zone: The time zone of a promise in whole days.
    """
    tolerance = min(SKEW, promised * TOLERANCE)
    return gap.end > due(gap.start, promised, zone) + tolerance


def due(start: datetime, promised: timedelta, zone: tzinfo) -> datetime:
    """The time by which the next update is due."""
    if promised % DAY:
        return start + promised
    local = start.astimezone(zone)
    return (local.replace(tzinfo=None) + promised).replace(tzinfo=zone).astimezone(UTC)


def longest(gaps: Iterable[Gap]) -> Gap | None:
    """The longest gap; None without one."""
    return max(gaps, key=lambda gap: gap.length, default=None)


@dataclass(slots=True)
class _Change:
    """One change, as one or more observations saw it: between ``first`` and ``until``."""

    first: datetime
    last: datetime  # the latest first time: of two clocks, one may be ahead
    until: datetime
    seen: datetime  # the last time at which it was still the newest change


def _changes(seen: Iterable[Seen]) -> list[_Change]:
    changes: list[_Change] = []
    for first, each in sorted(((each.at - max(each.age, timedelta(0)), each) for each in seen), key=_by_time):
        if changes and first - changes[-1].last <= SAME:
            changes[-1].last = first
            changes[-1].until = max(changes[-1].until, first + each.uncertain)
            changes[-1].seen = max(changes[-1].seen, each.at)
        else:
            changes.append(_Change(first, first, first + each.uncertain, each.at))
    return changes


def _by_time(dated: tuple[datetime, Seen]) -> tuple[datetime, datetime]:
    return dated[0], dated[1].at


def _proven(change: _Change, events: Sequence[tuple[datetime, datetime]]) -> Iterator[Gap]:
    """The span from a change to the last observation of it, cut at each event inside of it."""
    edge = change.last
    for first, until in events[bisect_right(events, change.last, key=_first) :]:
        if first >= change.seen:
            break
        yield Gap(edge, first)
        edge = max(edge, until)
    yield Gap(edge, change.seen)


def _first(event: tuple[datetime, datetime]) -> datetime:
    return event[0]


def _possible(events: Sequence[tuple[datetime, datetime]], since: datetime, now: datetime) -> Iterator[Gap]:
    """The span from each event to the next one, and to now."""
    before = [event for event in events if event[0] <= since]
    inside = [event for event in events if event[0] > since]
    start = before[-1][0] if before else since
    for first, until in inside:
        yield Gap(start, until)
        start = first
    yield Gap(start, now)
