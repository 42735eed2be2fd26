"""Probes that cannot break a commitment. Almost all are, so their verdicts are computed at intervals. No side effects.

A verdict over a window of 30 days reads 43,200 slices, and probes come every minute. A slice that is up breaks no
uptime promise, and a fast answer no response time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from alchemesh_platform.levels.commitment import RESPONSE_TIME, UPTIME

EVERY = timedelta(minutes=10)  # interval of verdicts while all is well
PROBED = frozenset({UPTIME, RESPONSE_TIME})


def is_calm(
    name: str, outcome: str, value: float | None, good: int | None, total: int | None, limit: timedelta | None
) -> bool:
    """Whether an observation cannot break its commitment.

    Args:
        name: Name of the commitment.
        limit: The promised response time; None if none is promised.
    """
    if name == UPTIME:
        return outcome != "value" or good == total
    if name == RESPONSE_TIME:
        fast = value is not None and limit is not None and value <= limit.total_seconds()
        return outcome == "unknown" or (outcome == "value" and fast)
    return False


def thinned(times: Iterable[tuple[datetime, bool]], last: datetime | None, *, watched: bool) -> list[datetime]:
    """The times to compute verdicts for.

    Args:
        times: Each time of a probe, in order, and whether the probe is calm.
        last: Time of the last computed verdict; None if there is none.
        watched: Whether the commitment has an open incident, or its last verdict was broken. Then every probe counts.
    """
    kept = []
    for at, calm in times:
        if not calm:
            watched = True
        if watched or last is None or at - last >= EVERY:
            kept.append(at)
            last = at
    return kept
