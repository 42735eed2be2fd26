"""The observed health of a component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

# "empty": everything works, and there are no rows.
Health = Literal["healthy", "unhealthy", "unknown", "empty"]


@dataclass(frozen=True, slots=True)
class TableObservation:
    """The content of a model's table. None means unknown, which is different from zero and from a failure."""

    rows: int | None = None
    size_bytes: int | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """The health of a component, the reason, and the content of its tables by model (or of its "files")."""

    health: Health
    reason: str = ""
    tables: Mapping[str, TableObservation] = field(default_factory=dict)
