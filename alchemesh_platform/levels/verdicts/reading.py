"""Shared parts of verdicts: the read registry, commitments without a value, and stale measurements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alchemesh_platform.base.units import duration_in_words
from alchemesh_platform.levels.commitment import NOT_MEASURED, Commitment
from alchemesh_platform.levels.newest import Newest

if TYPE_CHECKING:
    from alchemesh_platform.registry.observations.series import Observation
    from alchemesh_platform.registry.records import MaintenanceRecord
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that verdicts are computed from.

    Args:
        newest: The newest observation of each measure.
        maintenance: All announced maintenance of the product's ports.
        now: The time of the verdicts.
    """

    registry: Registry
    environment: str
    newest: Newest
    maintenance: tuple[MaintenanceRecord, ...]
    now: datetime


def without_value(commitment: Commitment, found: Observation | None) -> Commitment:
    """The commitment without a value: an error, or unknown with the reason."""
    return replace(
        commitment,
        verdict="error" if found is not None and found.outcome == "error" else "unknown",
        reason=NOT_MEASURED if found is None else found.note,
        measured_at=None if found is None else found.measured_at,
    )


def aged(commitment: Commitment, patience: timedelta, now: datetime) -> Commitment:
    """The commitment, or a stale one if its newest measurement is too old to rely on."""
    at = commitment.measured_at
    if at is None or now - at <= patience:
        return commitment
    return replace(commitment, verdict="stale", reason=f"measured more than {duration_in_words(patience)} ago")


def seconds_in_words(seconds: float) -> str:
    """A number of seconds for people: ``120 ms``, ``3.5 s``, ``12 min``, ``26.5 h``, ``3.2 days``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    for limit, size, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86_400:.3g} days"
