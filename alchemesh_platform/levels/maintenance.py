"""Announced maintenance of ports: spans that uptime leaves out, as far as the contract allows them. No side effects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.registry.records import MaintenanceRecord

Span = tuple[datetime, datetime]


def in_force(records: Iterable[MaintenanceRecord], at: datetime) -> list[MaintenanceRecord]:
    """The announcements that count at a time, by their start: announced until then, and not cancelled before it."""
    counting = [
        each for each in records if each.announced_at <= at and (each.cancelled_at is None or each.cancelled_at > at)
    ]
    return sorted(counting, key=lambda each: (each.starts_at, each.ends_at))


def current(records: Iterable[MaintenanceRecord], at: datetime) -> MaintenanceRecord | None:
    """The maintenance of a port at a time; None without one."""
    return next((each for each in in_force(records, at) if each.starts_at <= at < each.ends_at), None)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same spans without overlaps, by their start."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return found


def spared(records: Iterable[MaintenanceRecord], cap: timedelta, since: datetime, until: datetime) -> list[Span]:
    """The spans of a window that uptime leaves out: the first ones, up to the length that the contract allows.

    Args:
        cap: The longest maintenance in a window.
        since: Start of the window.
        until: End of the window.
    """
    found: list[Span] = []
    left = cap
    spans = ((max(each.starts_at, since), min(each.ends_at, until)) for each in in_force(records, until))
    for start, end in merged(span for span in spans if span[0] < span[1]):
        taken = min(end - start, left)
        if taken > timedelta(0):
            found.append((start, start + taken))
            left -= taken
    return found


def longest_total(spans: Iterable[Span], window: timedelta) -> timedelta:
    """The largest sum of maintenance in any window of this length."""
    found = merged(spans)
    most = timedelta(0)
    for _, end in found:  # the sum is largest in a window that ends where one span does
        start = end - window
        inside = (min(last, end) - max(first, start) for first, last in found if first < end and last > start)
        most = max(most, sum(inside, timedelta(0)))
    return most
