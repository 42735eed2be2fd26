"""When an incident of one commitment opens, closes and reopens, from its measurements. No side effects.

The same measurements give the same incidents, in whatever order they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

OPEN_AFTER = 2  # bad measurements in a row
CLOSE_AFTER = 3  # good measurements in a row
AGAIN = timedelta(minutes=15)  # a commitment that breaks again so soon reopens its incident
BAD = frozenset({"broken"})
GOOD = frozenset({"kept", "at_risk"})  # unknown, stale and error say nothing about the commitment: they do not count
COUNTED = BAD | GOOD

ChangeKind = Literal["opened", "reopened", "closed"]


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement of a commitment.

    Args:
        at: Time of the measurement.
        verdict: Verdict on the commitment at that time.
    """

    at: datetime
    verdict: str


@dataclass(frozen=True, slots=True)
class Change:
    """A transition of an incident, at the time of the measurement that caused it."""

    kind: ChangeKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Spell:
    """An incident as its measurements give it.

    Args:
        began_at: Time of the first bad measurement.
        changes: The transitions: opened, closed, reopened, closed, …
    """

    began_at: datetime
    changes: tuple[Change, ...]

    @property
    def opened_at(self) -> datetime:
        """Time of the measurement that opened it."""
        return self.changes[0].at

    @property
    def closed_at(self) -> datetime | None:
        """Time of the measurement that closed it; None while it is open."""
        last = self.changes[-1]
        return last.at if last.kind == "closed" else None

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self.closed_at is None

    def until(self, before: datetime) -> Spell | None:
        """The part of it from before a time; None if it opened later."""
        changes = tuple(change for change in self.changes if change.at < before)
        return replace(self, changes=changes) if changes else None


def spells(points: Iterable[Point], last: Spell | None = None) -> list[Spell]:
    """The incidents of one commitment.

    Args:
        points: Its measurements in order of time, all of them later than the last transition of ``last``.
        last: The newest incident before them.

    Returns:
        ``last``, if there is one, then the later incidents. A recurrence within ``AGAIN`` continues an incident.
    """
    found = [last] if last is not None else []
    bad: list[datetime] = []
    good = 0
    for point in points:
        current = found[-1] if found else None
        if point.verdict in BAD:
            good = 0
            if current is None or not current.is_open:
                bad.append(point.at)
                if len(bad) == OPEN_AFTER:
                    _open(found, bad[0], point.at)
                    bad = []
        elif point.verdict in GOOD:
            bad = []
            if current is not None and current.is_open:
                good += 1
                if good == CLOSE_AFTER:
                    found[-1] = replace(current, changes=(*current.changes, Change("closed", point.at)))
                    good = 0
    return found


def _open(found: list[Spell], began_at: datetime, at: datetime) -> None:
    """Open a new incident, or reopen the last one if it closed a short time before."""
    last = found[-1] if found else None
    if last is not None and last.closed_at is not None and began_at - last.closed_at <= AGAIN:
        found[-1] = replace(last, changes=(*last.changes, Change("reopened", at)))
    else:
        found.append(Spell(began_at, (Change("opened", at),)))


def context(points: Sequence[Point], last: Spell | None) -> list[Point]:
    """The measurements after the last transition, of which the run at their end still counts."""
    after = last.changes[-1].at if last is not None else None
    return [point for point in points if after is None or point.at > after]


def news(known: Sequence[Change], now: Sequence[Change]) -> tuple[Change, ...]:
    """The transitions to notify people of, when an incident that had some transitions has others now.

    Transitions alternate, so one list continues the other in kind. Late reports move times, which is no news; if they
    remove transitions, only another state is news.
    """
    if len(now) >= len(known):
        return tuple(now[len(known) :])
    if (len(known) - len(now)) % 2 == 0:
        return ()
    last = now[-1]
    return (Change("closed" if last.kind == "closed" else "reopened", last.at),)
