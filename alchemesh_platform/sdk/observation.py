"""The health of a component, as far as it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Health = Literal["healthy", "unhealthy", "unknown"]


@dataclass(frozen=True, slots=True)
class TableObservation:
    """The content of a model's table. None is *unknown*, which is neither zero nor failed."""

    rows: int | None = None
    size_bytes: int | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """Health of a component, with the reason, and what it holds by model (or by "files")."""

    health: Health
    reason: str = ""
    tables: Mapping[str, TableObservation] = field(default_factory=dict)
