"""`plan` of large products and of many: how time grows, and how much memory it takes."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import measure
from benchmarks.product import write_product

ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
MOST_BYTES = 250_000_000
SIZES = (250, 500, 1000)
# Twice the work may take this many times as long and still count as linear on a noisy machine.
LINEAR = 2.5


@dataclass(frozen=True, slots=True)
class Scaled:
    """Time and memory of `plan` at growing sizes, the start of the program taken off the time."""

    what: str
    seconds: dict[int, float]
    peak_bytes: int

    @property
    def growth(self) -> float:
        """How many times as long the last doubling takes."""
        before, last = list(self.seconds.values())[-2:]
        return last / before

    @property
    def kept(self) -> bool:
        """Whether it is linear and small."""
        return self.growth <= LINEAR and self.peak_bytes <= MOST_BYTES

    def row(self) -> str:
        """The line of the table in the docs."""
        times = ", ".join(f"{size}: {seconds:.2f} s" for size, seconds in self.seconds.items())
        return (
            f"| {self.what} | {times} | {self.growth:.2f} | {self.peak_bytes / 1e6:.0f} MB "
            f"| ≤ {LINEAR}, ≤ {MOST_BYTES / 1e6:.0f} MB | {'yes' if self.kept else 'NO'} |"
        )


def scaled() -> Iterator[Scaled]:
    """One product with many ports; many products."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environ = {**os.environ, "ALCHEMESH_HOME": str(root / "home")}
        start = min(
            measure([ALCHEMESH, "plan", str(write_product(root / "one", 1))], environ=environ).wall for _ in "abc"
        )
        seconds: dict[int, float] = {}
        peak = 0
        for size in SIZES:
            manifest = write_product(root / f"ports-{size}", size)
            runs = [measure([ALCHEMESH, "plan", str(manifest)], environ=environ) for _ in "abc"]
            seconds[size] = min(run.wall for run in runs) - start
            peak = max(peak, *(run.peak_bytes for run in runs))
        yield Scaled("`plan` of a product, by output ports", seconds, peak)
        seconds, peak = {}, 0
        manifests = [write_product(root / f"product-{n}", 1, name=f"product-{n}") for n in range(max(SIZES))]
        for size in SIZES:
            command = [ALCHEMESH, "plan", *map(str, manifests[:size])]
            runs = [measure(command, environ=environ) for _ in "abc"]
            seconds[size] = min(run.wall for run in runs) - start
            peak = max(peak, *(run.peak_bytes for run in runs))
        yield Scaled("`plan`, by products", seconds, peak)
