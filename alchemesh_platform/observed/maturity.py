"""Maturity: how long a product has been stable and used, and whether it kept its commitments. No side effects.

The platform derives maturity from recorded history only. Without a history it is unknown, which is not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# The value that earns full points, and its share of the 100 points. Below it, points grow proportionally.
STABLE_DAYS, STABLE_POINTS = 365, 40
CONSUMER_DAYS, CONSUMER_POINTS = 3 * 180, 40  # three consumers for half a year, or one consumer for a year and a half
COMMITMENT_DAYS, COMMITMENT_POINTS = 180, 20
BROKEN_COSTS = 10  # points lost for each broken commitment that the registry still records
INCIDENT_COSTS = 2  # points lost for each incident that ended within a year
OPEN_COSTS = 5  # points lost for each incident that is open: a commitment that is broken now
REMEMBERED_DAYS = 365
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Served:
    """A grant of a consumer; ``until`` is None while it is in force."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """An incident: a commitment whose measured value broke the promise; ``until`` is None while it is open."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The history of a product.

    Args:
        deployed_at: Time of the first recorded deployment.
        stable_since: Time since which it has been stable without a break; None if it is not stable.
        served: Every current and former consumer.
        broken: Times of broken notice periods: a user overrode the one that was promised to consumers.
        incidents: The incidents of measured commitments.
    """

    deployed_at: datetime
    stable_since: datetime | None = None
    served: Sequence[Served] = ()
    broken: Sequence[datetime] = ()
    incidents: Sequence[Broken] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A part of the maturity: its points, its maximum points and the reason."""

    points: float
    of: int
    why: str


@dataclass(frozen=True, slots=True)
class Maturity:
    """A maturity from 0 to 100, with its parts."""

    value: int
    reasons: tuple[Reason, ...]


def maturity(history: History | None, now: datetime) -> Maturity | None:
    """The maturity of a product at a moment; None (unknown) if no history is recorded."""
    if history is None:
        return None
    reasons = (_stable(history, now), _consumers(history, now), _commitments(history, now))
    return Maturity(int(sum(reason.points for reason in reasons)), reasons)


def _stable(history: History, now: datetime) -> Reason:
    if history.stable_since is None:
        return Reason(0, STABLE_POINTS, "not stable")
    days = _days(history.stable_since, now)
    return Reason(_share(days, STABLE_DAYS, STABLE_POINTS), STABLE_POINTS, f"stable for {_counted(days)}")


def _consumers(history: History, now: datetime) -> Reason:
    if not history.served:
        return Reason(0, CONSUMER_POINTS, "no consumer yet")
    days = sum(_days(each.since, each.until or now) for each in history.served)
    present = sum(each.until is None or each.until > now for each in history.served)
    what = f"{len(history.served)} {'consumer' if len(history.served) == 1 else 'consumers'}, {present} now"
    return Reason(_share(days, CONSUMER_DAYS, CONSUMER_POINTS), CONSUMER_POINTS, f"{what}, {_counted(days)} in total")


def _commitments(history: History, now: datetime) -> Reason:
    overridden = sum(_days(moment, now) < REMEMBERED_DAYS for moment in history.broken)
    open_now = sum(each.until is None for each in history.incidents)
    ended = sum(each.until is not None and _days(each.until, now) < REMEMBERED_DAYS for each in history.incidents)
    kept = _share(_days(history.deployed_at, now), COMMITMENT_DAYS, COMMITMENT_POINTS)
    points = max(0.0, kept - BROKEN_COSTS * overridden - OPEN_COSTS * open_now - INCIDENT_COSTS * ended)
    facts = [
        f"{open_now} {_commitment(open_now)} broken now" if open_now else "",
        f"{overridden} {_commitment(overridden)} not kept within a year" if overridden else "",
        f"{ended} {'incident' if ended == 1 else 'incidents'} within a year" if ended else "",
    ]
    every = f"every commitment kept for {_counted(_days(history.deployed_at, now))}"
    return Reason(points, COMMITMENT_POINTS, ", ".join(fact for fact in facts if fact) or every)


def _commitment(number: int) -> str:
    return "commitment" if number == 1 else "commitments"


def _days(since: datetime, until: datetime) -> float:
    return max(0.0, (until - since) / DAY)


def _share(days: float, full: int, points: int) -> float:
    return points * min(1.0, days / full)


def _counted(days: float) -> str:
    return f"{int(days):,} {'day' if int(days) == 1 else 'days'}"
