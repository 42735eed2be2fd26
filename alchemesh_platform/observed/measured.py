"""The newest values of measures, as the status of a product shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.units import duration_in_words
from alchemesh_platform.levels import stale
from alchemesh_platform.levels.maintenance import current
from alchemesh_platform.manifest.models import ServiceLevels
from alchemesh_platform.measures.measure import MEASURES, STATE, measure_of
from alchemesh_platform.measures.state import worst
from alchemesh_platform.observed.models import IncidentStatus, MeasureStatus, StateStatus
from alchemesh_platform.registry.observations.series import Observation

if TYPE_CHECKING:
    from alchemesh_platform.registry.records import MaintenanceRecord

NO_STATE = "nobody reported a state"


def product_state(
    reported: StateStatus, incidents: Iterable[IncidentStatus], maintenance: Sequence[MaintenanceRecord], now: datetime
) -> StateStatus:
    """The state of a product: of its reported state, open incidents and running maintenance, the first by precedence.

    Args:
        reported: The state that was reported last.
        incidents: The open incidents of its output ports.
        maintenance: The announced maintenance of its ports.
        now: The time.
    """
    states = [reported]
    opened = sorted(incidents, key=lambda each: each.since)
    if opened:
        first, more = opened[0], len(opened) - 1
        note = f"{first.name} of {first.asset or first.port} is broken{f', and {more} more' if more else ''}"
        states.append(StateStatus(state="in_incident", note=note, at=first.since))
    running = current(maintenance, now)
    if running is not None:
        until = f"{running.port} until {running.ends_at:%Y-%m-%d %H:%M} UTC"
        note = f"{until}: {running.message}" if running.message else until
        by = running.announced_by
        states.append(StateStatus(state="maintenance", note=note, at=running.starts_at, reported_by=by))
    chosen = worst(each.state for each in states)
    return next(each for each in states if each.state == chosen)


def state_status(found: Iterable[Observation], product: str) -> StateStatus:
    """The state of a product that was reported last; unknown without a report."""
    for each in found:
        if each.subject == product and each.measure == STATE:
            return StateStatus(
                state=each.state or "unknown", note=each.note, at=each.measured_at, reported_by=each.reported_by
            )
    return StateStatus(state="unknown", note=NO_STATE)


def measure_statuses(
    found: Iterable[Observation], subject: str, contract: Mapping[str, Any] | None, now: datetime
) -> tuple[MeasureStatus, ...]:
    """The newest value of each measure of a subject, in the order of the table of measures.

    Args:
        contract: The document of the port's contract. Its update frequency says when a value is stale.
        now: The time.
    """
    patience = stale_after(contract)
    own = {each.measure: each for each in found if each.subject == subject}
    order = [*(name for name in MEASURES if name in own), *sorted(name for name in own if name not in MEASURES)]
    return tuple(_status(own[name], patience, now) for name in order)


def stale_after(contract: Mapping[str, Any] | None) -> timedelta:
    """The age from which a measured value of a contract is stale."""
    return stale.stale_after(ServiceLevels.model_validate((contract or {}).get("service_levels") or {}))


def _status(each: Observation, patience: timedelta, now: datetime) -> MeasureStatus:
    outcome: Any = each.outcome
    note = each.note
    if outcome == "value" and now - each.measured_at > patience:
        outcome, note = "stale", f"measured more than {duration_in_words(patience)} ago"
    return MeasureStatus(
        measure=each.measure,
        unit=measure.unit if (measure := measure_of(each.measure)) is not None else "event",
        outcome=outcome,
        value=each.value,
        good=each.good,
        total=each.total,
        note=note,
        measured_at=each.measured_at,
        received_at=each.received_at,
        window_seconds=each.window.total_seconds(),
        reported_by=each.reported_by,
    )
