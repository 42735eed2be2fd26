"""The bounds of a property: the types that have them, and their order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

ORDERED = ("integer", "number", "date", "timestamp")


def comparable(bound: int | float | str) -> Any:
    """A bound as a value that compares with the other bounds of its property.

    Args:
        bound: A number, or a date or timestamp in the form of ISO 8601. A time without a zone is UTC.
    """
    if isinstance(bound, int | float):
        return bound
    moment = datetime.fromisoformat(bound)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
