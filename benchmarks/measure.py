"""Whole processes, measured from outside: wall time, processor time and peak memory, in alternation with a baseline."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SHORT_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Measured:
    """One finished process: seconds of wall and processor time, and its peak memory."""

    wall: float
    processor: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """A command against its baseline, pair by pair. ``limit`` is the highest ratio; None if there is no limit."""

    what: str
    floor: str
    ours_seconds: float
    floor_seconds: float
    ratio: float
    lowest: float
    highest: float
    limit: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the limit is met."""
        return self.limit is None or self.ratio <= self.limit

    def row(self) -> str:
        """The line of the table in the docs."""
        promise = f"≤ {self.limit:g}" if self.limit is not None else "–"
        ratio = f"**{self.ratio:.2f}** ({self.lowest:.2f}–{self.highest:.2f})"
        return (
            f"| {self.what} | {self.floor} | {_time(self.ours_seconds)} | {_time(self.floor_seconds)} "
            f"| {ratio} | {promise} | {'yes' if self.kept else 'NO'} |"
        )


@dataclass(frozen=True, slots=True)
class Peak:
    """The peak memory of a process. ``limit_bytes`` is the most that it may be."""

    what: str
    seconds: float
    peak_bytes: int
    limit_bytes: int

    @property
    def kept(self) -> bool:
        """Whether the limit is met."""
        return self.peak_bytes < self.limit_bytes

    def row(self) -> str:
        """The line of the table in the docs."""
        used = f"{self.seconds:.1f} s, {_memory(self.peak_bytes)}"
        return f"| {self.what} | – | {used} | – | – | < {_memory(self.limit_bytes)} | {'yes' if self.kept else 'NO'} |"


def _memory(size: int) -> str:
    return f"{size / 1024**3:.2f} GiB" if size >= 1024**3 else f"{size / 1024**2:.0f} MiB"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= _SHORT_SECONDS else f"{seconds * 1000:.2f} ms"


def measure(command: Sequence[str], *, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end.

    Raises:
        RuntimeError: with what it said, when it fails: a command that fails quickly would look fast.
    """
    with subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(environ) if environ is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        started = time.monotonic()
        said = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} left with {process.returncode}\n{said.decode()[-4000:]}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def against(
    what: str,
    ours: Sequence[Measured],
    floor: str,
    theirs: Sequence[Measured],
    *,
    limit: float | None = None,
) -> Ratio:
    """The ratio of wall times, of runs that were made in turns."""
    ratios = [mine.wall / other.wall for mine, other in zip(ours, theirs, strict=True)]
    return Ratio(
        what,
        floor,
        statistics.median(run.wall for run in ours),
        statistics.median(run.wall for run in theirs),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        limit,
    )
