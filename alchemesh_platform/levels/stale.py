"""The age from which a measurement is too old to rely on. No side effects."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.manifest.models import ServiceLevels

STALE_AFTER = timedelta(days=7)  # without a promised update frequency
FRESH_FOR = timedelta(days=1)  # a lag says little about the next day
STALE_UPDATES = 2  # otherwise, after this many of its updates are due


def freshness_stale_after(levels: ServiceLevels) -> timedelta:
    """The age from which a measured lag is stale: a day, or twice the promise if that is longer."""
    return max(FRESH_FOR, (levels.freshness or FRESH_FOR) * STALE_UPDATES)


def stale_after(levels: ServiceLevels | None) -> timedelta:
    """The age from which a measured value is stale: twice the promised update frequency, or a week without one."""
    frequency = levels.update_frequency if levels is not None else None
    return frequency * STALE_UPDATES if frequency is not None else STALE_AFTER
