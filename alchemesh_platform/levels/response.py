"""Response times in a window: how many probes keep the promise, and the one at a percentile."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from alchemesh_platform.levels.bounds import SLICE
from alchemesh_platform.levels.slices import floor
from alchemesh_platform.measures.histogram import Histogram, at_most, bucket_of, together, value_at
from alchemesh_platform.registry.observations.history import GRAINS
from alchemesh_platform.registry.observations.probe_hours import HOUR, ProbeHour, read_probes
from alchemesh_platform.registry.observations.roll_up import summaries

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class Responses:
    """The response times of one series in a span.

    Args:
        count: Probes with a response time, and probes without an answer, which count as slower than any promise.
        kept: Probes that kept the promise: at least, and at most. They differ if older probes are summarized by day.
        value: The response time at the percentile; None without one, or if that probe had no answer.
        exact: Whether it is the value of a probe, and not the upper bound of a bucket.
    """

    count: int
    kept: tuple[int, int]
    value: float | None
    exact: bool = True

    @property
    def slow(self) -> int:
        """Probes that certainly broke the promise."""
        return self.count - self.kept[1]


@dataclass(frozen=True, slots=True)
class Timed:
    """The response times of one series in a window.

    Args:
        hours: The hours with their response times.
        days: Start of a summarized day: its histogram, and the number of probes without an answer.
        at: The time of the verdict. Later probes do not count.
    """

    hours: tuple[ProbeHour, ...]
    days: Mapping[datetime, tuple[Histogram, int]]
    at: datetime

    def within(self, since: datetime) -> tuple[array[float], Histogram, int]:
        """The times since a moment, the histogram of summarized days, and the number without an answer in those.

        A summarized day counts as a whole if it ends in the span.
        """
        first, last = floor(since), floor(self.at)
        times = array("d")
        for each in self.hours:
            if each.start >= first and each.start + HOUR <= last + SLICE:
                times.extend(each.seconds)
            elif each.start + HOUR > first:
                low, high = (first - each.start) / SLICE, (last - each.start) / SLICE
                times.extend(
                    value for minute, value in zip(each.minutes, each.seconds, strict=True) if low <= minute <= high
                )
        days = [found for start, found in self.days.items() if start + GRAINS["day"] > since]
        return times, together(histogram for histogram, _ in days), sum(lost for _, lost in days)


def rank_of(share: Fraction, count: int) -> int:
    """The rank of a percentile among so many values, by the nearest rank; 1 is the smallest value."""
    return max(1, math.ceil(share * count))


def read_times(registry: Registry, environment: str, port: str, measure: str, since: datetime, at: datetime) -> Timed:
    """The response times of a series in a window that ends at a time.

    Args:
        measure: Name of the series: ``response_time``, or that of one protocol.
    """
    earliest = since - GRAINS["day"]
    days = {
        each.start: (each.buckets or {}, each.failed)
        for each in summaries(registry, environment, port, measure, "day", earliest, at)
        if each.start > earliest
    }
    hours = read_probes(registry, environment, port, [measure], floor(since), at + timedelta(microseconds=1), at)
    return Timed(tuple(each for each in hours if each.start.replace(hour=0) not in days), days, at)


def responses_of(timed: Timed, promised: float, share: Fraction, since: datetime) -> Responses:
    """The response times of a series since a moment.

    Args:
        promised: The promised number of seconds.
        share: The share of probes that keep it.
    """
    times, histogram, lost = timed.within(since)
    count = len(times) + sum(histogram.values()) + lost
    if not count:
        return Responses(0, (0, 0), None)
    kept = _at_most(times, promised)
    certain, possible = at_most(histogram, promised)
    rank = rank_of(share, count)
    value: float | None
    if histogram:
        value = value_at(together([_histogram(times), histogram]), rank)
    else:
        ordered = sorted(times)
        value = ordered[rank - 1] if rank <= len(ordered) and ordered[rank - 1] != math.inf else None
    return Responses(count, (kept + certain, kept + possible), value, exact=not histogram)


def slow_and_all(timed: Timed, promised: float, since: datetime) -> tuple[int, int]:
    """The number of probes since a moment that certainly broke the promise, and of all."""
    times, histogram, lost = timed.within(since)
    kept = _at_most(times, promised) + at_most(histogram, promised)[1]
    count = len(times) + sum(histogram.values()) + lost
    return count - kept, count


def _at_most(times: Iterable[float], promised: float) -> int:
    return sum(1 for each in times if each <= promised)


def _histogram(times: Iterable[float]) -> dict[int, int]:
    found: dict[int, int] = {}
    for each in times:
        if each != math.inf:
            bucket = bucket_of(each)
            found[bucket] = found.get(bucket, 0) + 1
    return found
