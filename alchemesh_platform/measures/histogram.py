"""Counts of values in buckets of equal width on a logarithmic scale: 9 % each. No side effects.

Two histograms add up, which two percentiles do not. So a percentile is known up to the width of a bucket, also over a
window that is longer than single observations stay.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping

STEPS = 8  # buckets from a value to its double
_LOWEST = -20 * STEPS  # a microsecond; everything below counts there

Histogram = Mapping[int, int]  # bucket: number of values


def bucket_of(value: float) -> int:
    """The bucket of a value: the first one whose upper bound it does not exceed."""
    if value <= upper(_LOWEST):
        return _LOWEST
    found = math.ceil(math.log2(value) * STEPS)
    while value > upper(found):  # a logarithm is rounded
        found += 1
    while value <= lower(found):
        found -= 1
    return found


def upper(bucket: int) -> float:
    """The largest value of a bucket."""
    return float(2 ** (bucket / STEPS))


def lower(bucket: int) -> float:
    """The value that all values of a bucket exceed."""
    return upper(bucket - 1) if bucket > _LOWEST else -math.inf


def together(histograms: Iterable[Histogram]) -> dict[int, int]:
    """The sum of histograms."""
    found: dict[int, int] = {}
    for each in histograms:
        for bucket, number in each.items():
            found[bucket] = found.get(bucket, 0) + number
    return found


def at_most(histogram: Histogram, limit: float) -> tuple[int, int]:
    """The number of values that do not exceed a limit: at least, and at most."""
    certain = sum(number for bucket, number in histogram.items() if upper(bucket) <= limit)
    possible = sum(number for bucket, number in histogram.items() if lower(bucket) < limit)
    return certain, possible


def value_at(histogram: Histogram, rank: int) -> float | None:
    """The upper bound of the value at a rank, where 1 is the smallest value; None if there are fewer values."""
    for bucket in sorted(histogram):
        rank -= histogram[bucket]
        if rank <= 0:
            return upper(bucket)
    return None


def as_text(histogram: Histogram | None) -> str | None:
    """The histogram as the registry stores it."""
    return None if histogram is None else json.dumps({str(bucket): histogram[bucket] for bucket in sorted(histogram)})


def from_text(text: str | None) -> dict[int, int] | None:
    """A histogram that the registry stored."""
    return None if text is None else {int(bucket): int(number) for bucket, number in json.loads(text).items()}
