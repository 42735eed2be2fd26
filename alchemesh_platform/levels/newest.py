"""The newest observation of each measure at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alchemesh_platform.registry.observations.history import GRAINS
from alchemesh_platform.registry.observations.roll_up import last_summary
from alchemesh_platform.registry.observations.series import Observation, last_until, latest

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

Newest = Mapping[tuple[str, str], Observation]  # by subject and measure
DIFFERENT = "the observations of that time are summarized, and their values differ"


def newest_at(registry: Registry, environment: str, product: str, now: datetime) -> Newest:
    """The newest observation of each measure of a product, and of everything in it, at a time."""
    found: dict[tuple[str, str], Observation] = {}
    for each in latest(registry, environment, [product]):
        name = (each.subject, each.measure)
        if each.measured_at <= now:
            found[name] = each
        elif (earlier := _earlier(registry, environment, each, now)) is not None:
            found[name] = earlier
    return found


def _earlier(registry: Registry, environment: str, later: Observation, now: datetime) -> Observation | None:
    """The newest observation until a time; of an old time, the one that its summary gives."""
    found = last_until(registry, environment, later.subject, later.measure, now)
    if found is not None:
        return found
    summary = last_summary(registry, environment, later.subject, later.measure, now)
    if summary is None:
        return None
    grain, each = summary
    end = min(each.start + GRAINS[grain], now)
    valued = each.count - each.unknown - each.failed
    summarized = replace(
        later, measured_at=end, received_at=end, window=timedelta(0), outcome="unknown", value=None, good=None,
        total=None, state=None, note=DIFFERENT,
    )  # fmt: skip
    if valued == each.count and each.minimum is not None and each.minimum == each.maximum:
        return replace(summarized, outcome="value", value=each.minimum, note="")
    return summarized
