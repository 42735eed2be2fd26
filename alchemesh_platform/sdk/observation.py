"""The observed health of a component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

FILES = "files"  # the name of the one table of a storage that observes its files, whatever model they belong to
# "empty": everything works, and there are no rows.
Health = Literal["healthy", "unhealthy", "unknown", "empty"]


@dataclass(frozen=True, slots=True)
class TableObservation:
    """The content of a model's table. None means unknown, which is different from zero and from a failure.

    Args:
        retention: The age after which files of former versions are removed; None if they stay.
        vacuumed_at: When files of former versions were last removed.
        overdue_files: The number of files that are older than the retention.
    """

    rows: int | None = None
    size_bytes: int | None = None
    changed_at: datetime | None = None
    retention: timedelta | None = None
    vacuumed_at: datetime | None = None
    overdue_files: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """The health of a component, the reason, and the content of its tables by model (or of its "files").

    ``lag_seconds``: for a proxy, the time since a change of the storage that consumers do not read yet. Zero: they read
    the current state. None: unknown. ``lags``: the same by model, if the proxy knows it.
    """

    health: Health
    reason: str = ""
    tables: Mapping[str, TableObservation] = field(default_factory=dict)
    lag_seconds: float | None = None
    lags: Mapping[str, float] = field(default_factory=dict)
