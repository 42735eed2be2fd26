"""Numbers for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alchemesh_platform.base.quantities import counted, share, size, span, took

if TYPE_CHECKING:
    from alchemesh_platform.provider.loss import Loss

__all__ = ["ago", "at", "counted", "losses_in_words", "share", "size", "span", "took"]

_A_DAY = timedelta(days=1)
_AGES = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(days=7), "week"),
    (_A_DAY, "day"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
)
_A_MOMENT = timedelta(seconds=10)


def ago(moment: datetime, now: datetime) -> str:
    """The time since a moment: ``3 min ago``, ``2 days ago``."""
    age = now - moment
    if age < _A_MOMENT:
        return "just now"
    for unit, name in _AGES:
        if age >= unit:
            return f"{counted(age // unit, name) if unit >= _A_DAY else f'{age // unit} {name}'} ago"
    return f"{round(age.total_seconds())} s ago"


def at(moment: datetime) -> str:
    """A moment in local time: ``2026-01-05 14:03:11``."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def losses_in_words(losses: Sequence[Loss | None]) -> str:
    """``4 rows``, ``2 files``, ``4 rows and 2 files``; ``data`` if a number is unknown, as for a column's values."""
    found = [loss for loss in losses if loss is not None]
    rows = [loss.rows for loss in found if loss.rows is not None]
    files = [loss.files for loss in found if loss.files is not None]
    if any(loss.rows is None and loss.files is None for loss in found):
        return "data"
    shown = [counted(sum(rows), "row")] if rows or not files else []
    return " and ".join([*shown, *([counted(sum(files), "file")] if files else [])])
