"""Commitments with every verdict, as a status has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from alchemesh_platform.observed.models import BudgetStatus, CommitmentStatus, TrendStatus

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
PORT = "aviation/flights/flights-table"
FLIGHT, WEATHER = f"{PORT}/flight", f"{PORT}/weather"
_OUTCOMES = {"?": "unknown", "!": "error", ".": "gap"}


def trend(values: Sequence[float | str], *, days: int = 30) -> TrendStatus:
    """A trend; ``?`` is an unknown value, ``!`` a failed measurement and ``.`` a gap."""
    return TrendStatus(
        since=NOW - timedelta(days=days),
        until=NOW,
        outcomes=tuple(_OUTCOMES[each] if isinstance(each, str) else "value" for each in values),
        values=tuple(None if isinstance(each, str) else each for each in values),
    )


def commitment(name: str, promise: str, verdict: str, **more: object) -> CommitmentStatus:
    return CommitmentStatus(port=PORT, name=name, promise=promise, verdict=verdict, **more)


def every_verdict() -> tuple[CommitmentStatus, ...]:
    """One commitment with each verdict."""
    ago = NOW - timedelta(minutes=4)
    return (
        commitment(
            "freshness", "5m", "kept", asset=FLIGHT, value="12 s", number=12.0, unit="seconds", measured_at=ago,
            trend=trend([60.0, 12.0, ".", ".", 0.0, 12.0]),
        ),
        commitment(
            "update_frequency", "1h", "broken", asset=WEATHER, value="3.2 h", number=11_520.0, unit="seconds",
            measured_at=ago, trend=trend([3600.0, 7200.0, 11_520.0]),
        ),
        commitment(
            "uptime", "99.5%", "at_risk", value="99.71%", number=0.9971, unit="ratio", measured_at=ago,
            budget=BudgetStatus(
                unit="minutes", allowed=216, spent=173, remaining=0.2, burn_rate=14.4, alarm="fast burn"
            ),
            trend=trend([1.0, 1.0, 0.98, 1.0, "?", ".", 0.995, 1.0], days=1),
        ),
        commitment("response_time", "300ms", "unknown", reason="nobody measured it"),
        commitment(
            "test:unique-sales", "duplicateValues of flight must be 0", "error", reason="the table cannot\nbe read",
            unit="verdict", measured_at=ago, trend=trend([1.0, 1.0, 0.0, "!"]),
        ),
        commitment(
            "test:no-future", "rows must be 0", "stale", value="passed", number=1.0, unit="verdict",
            reason="measured more than 7 days ago", measured_at=NOW - timedelta(days=8), trend=trend([1.0, ".", "."]),
        ),
    )  # fmt: skip
