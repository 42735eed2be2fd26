"""Bounds of uptime: slices of 60 s that answered, did not answer, or are unknown. No side effects.

An unknown slice is neither up nor down. So the number of slices that were up has a lower and an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

SLICE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Slices:
    """Slices of a span of time.

    Args:
        total: All slices.
        up: Those that were up for certain.
        down: Those that were down for certain.
    """

    total: int = 0
    up: int = 0
    down: int = 0

    def __add__(self, other: Slices) -> Slices:
        return Slices(self.total + other.total, self.up + other.up, self.down + other.down)

    @property
    def lower(self) -> float:
        """The share that was up at least."""
        return self.up / self.total if self.total else 0.0

    @property
    def upper(self) -> float:
        """The share that was up at most."""
        return (self.total - self.down) / self.total if self.total else 1.0

    @property
    def known(self) -> int:
        """The slices that were probed."""
        return self.up + self.down

    def part(self, counted: int) -> Slices:
        """The slices of a part of this span, if nobody knows which of them are in the part.

        Args:
            counted: The number of slices of the part.
        """
        outside = self.total - counted
        return Slices(counted, max(0, self.up - outside), max(0, self.down - outside))


def of_protocols(slices: int, probed: Iterable[tuple[int, int]], expected: int) -> Slices:
    """The slices of a port with several protocols, from the counts of each protocol alone.

    The port is up in a slice if every protocol is, and down if one is. Without the slices themselves, the counts give
    bounds: the protocols could have failed in the same slices, or in different ones.

    Args:
        slices: All slices of the span.
        probed: Of each probed protocol, the numbers of good and of all probes.
        expected: The number of protocols. One without probes is unknown in all slices.
    """
    counts: Sequence[tuple[int, int]] = [_certain(slices, good, total) for good, total in probed]
    down = max((bad for _, bad in counts), default=0)
    if len(counts) < expected:
        return Slices(slices, 0, down)
    up = max(0, slices - sum(slices - good for good, _ in counts))
    return Slices(slices, min(up, slices - down), down)


def _certain(slices: int, good: int, total: int) -> tuple[int, int]:
    """The slices that one protocol was up and down for certain.

    There are more probes than slices if somebody probed beside the platform: some slices then have two probes.
    """
    bad, second = total - good, max(total - slices, 0)
    down = min(max(bad - second, 0), slices)
    return max(min(good, slices - bad), 0), down
