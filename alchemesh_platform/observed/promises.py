"""Promise and truth as the status of a product shows them: each commitment with its verdict and its recent history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from alchemesh_platform.incidents.store import open_incidents
from alchemesh_platform.levels.commitment import (
    FRESHNESS,
    RESPONSE_TIME,
    TEST,
    UPDATE_FREQUENCY,
    UPTIME,
    Budget,
    Commitment,
)
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.measures.measure import CHANGE_AGE, LAG
from alchemesh_platform.observed.models import BudgetStatus, CommitmentStatus, IncidentStatus, TrendStatus
from alchemesh_platform.registry.observations.history import History, Name, Slot, busy, histories

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

SLOTS = 15  # of a spark line
BUSY = 20  # measurements within a day, from which a spark line shows the day
HOUR, DAY, MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)
StatusT = TypeVar("StatusT", CommitmentStatus, IncidentStatus)
_OF_ASSET = {FRESHNESS: LAG, UPDATE_FREQUENCY: CHANGE_AGE}


def commitment_statuses(
    registry: Registry,
    environment: str,
    ports: Collection[str],
    measured: Collection[Name],
    now: datetime,
) -> dict[str, tuple[CommitmentStatus, ...]]:
    """The commitments of output ports, by port.

    Args:
        ports: Addresses of the ports, also of several products.
        measured: Subject and measure of every series of these products.
        now: The time of the verdicts.
    """
    products = sorted({port.rpartition("/")[0] for port in ports})
    read = [each for product in products for each in read_commitments(registry, environment, product, now)]
    found = [each for each in read if each.port in ports]
    trends = _trends(registry, environment, found, measured, now)
    return {
        port: tuple(_status(each, trends.get(each.key)) for each in own)
        for port, own in groupby(found, key=lambda each: each.port)
    }


def incident_statuses(
    registry: Registry, environment: str, ports: Collection[str]
) -> dict[str, tuple[IncidentStatus, ...]]:
    """The open incidents of output ports, by port, oldest first."""
    products = {port.rpartition("/")[0] for port in ports}
    found: dict[str, list[IncidentStatus]] = {}
    for each in open_incidents(registry, environment, products) if products else ():
        facts = each.facts
        if facts.port in ports:
            status = IncidentStatus(
                id=each.id,
                port=facts.port,
                asset=facts.asset,
                name=facts.name,
                state="acknowledged" if each.acknowledged_by else "open",
                since=each.began_at,
                promise=facts.promise,
                value=facts.value,
                reason=facts.reason,
                acknowledged_by=each.acknowledged_by,
                snoozed_until=each.snoozed_until,
            )
            found.setdefault(facts.port, []).append(status)
    return {port: tuple(some) for port, some in found.items()}


def for_consumers(found: Iterable[StatusT]) -> tuple[StatusT, ...]:
    """Commitments or incidents without their reasons, which may quote rows and errors of the provider."""
    return tuple(each.model_copy(update={"reason": ""}) for each in found)


def series_of(commitment: Commitment | CommitmentStatus, measured: Collection[Name]) -> tuple[Name, ...]:
    """The series that show the history of a commitment; several for a port with several protocols.

    Args:
        measured: Subject and measure of every series of the product.
    """
    if commitment.name in _OF_ASSET:
        wanted = {(commitment.asset, _OF_ASSET[commitment.name])}
    elif commitment.name.startswith(TEST):
        wanted = {(commitment.port, commitment.name)}
    elif commitment.name in (UPTIME, RESPONSE_TIME):
        wanted = {
            (subject, measure)
            for subject, measure in measured
            if subject == commitment.port and measure.partition(":")[0] == commitment.name
        }
    else:
        wanted = set()
    return tuple(sorted(wanted & set(measured)))


def worst_of(name: str, parts: Collection[History]) -> History:
    """One history of several protocols: the worst value of each slot.

    Args:
        name: Name of the commitment.
        parts: Histories with the same slots.
    """
    if len(parts) == 1:
        return next(iter(parts))
    lowest = name == UPTIME
    first = next(iter(parts))
    slots = (
        max(some, key=lambda slot: _badness(slot, lowest=lowest))
        for some in zip(*(part.slots for part in parts), strict=True)
    )
    return History(first.since, first.width, tuple(slots))


def _badness(slot: Slot, *, lowest: bool) -> tuple[bool, float]:
    value = slot.value or 0.0
    return slot.count > 0, -value if lowest else value


def _trends(
    registry: Registry,
    environment: str,
    commitments: Iterable[Commitment],
    measured: Collection[Name],
    now: datetime,
) -> dict[str, TrendStatus]:
    """The recent history of commitments: of thirty days; of a day or an hour if it is younger, or measured often."""
    known = frozenset(measured)
    series = {each.key: (each.name, series_of(each, known)) for each in commitments}
    names = {name for _, own in series.values() for name in own}
    often = busy(registry, environment, names, now - DAY, now, BUSY)
    found = histories(registry, environment, names - often, now - MONTH, now, SLOTS)
    found |= histories(registry, environment, often | _young(found), now - DAY, now, SLOTS)
    found |= histories(registry, environment, _young(found), now - HOUR, now, SLOTS)
    trends = {}
    for key, (name, own) in series.items():
        parts = [found[each] for each in own]
        longest = max((part.width for part in parts), default=None)  # protocols can have different ranges
        if longest is not None:
            trends[key] = _trend(worst_of(name, [part for part in parts if part.width == longest]))
    return trends


def _young(found: Mapping[Name, History]) -> frozenset[Name]:
    """The series whose measurements are all in the last slot, so that a shorter range shows more of them."""
    return frozenset(name for name, each in found.items() if not any(slot.count for slot in each.slots[:-1]))


def _trend(history: History) -> TrendStatus:
    return TrendStatus(
        since=history.since,
        until=history.until,
        outcomes=tuple(slot.outcome for slot in history.slots),
        values=tuple(slot.value for slot in history.slots),
    )


def _status(each: Commitment, trend: TrendStatus | None) -> CommitmentStatus:
    return CommitmentStatus(
        port=each.port,
        asset=each.asset,
        name=each.name,
        promise=each.promise,
        verdict=each.verdict,
        value=each.value,
        number=each.number,
        unit=each.unit,
        reason=each.reason,
        measured_at=each.measured_at,
        budget=_budget(each.budget) if each.budget is not None else None,
        severity=each.severity,
        trend=trend,
    )


def _budget(budget: Budget) -> BudgetStatus:
    return BudgetStatus(**budget.as_json())
