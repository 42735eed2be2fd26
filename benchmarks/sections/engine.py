"""`alchemesh up` and `preview` against a bare Pulumi program with the same resources, run by the same engine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from alchemesh_platform.engine.install.find import find_engine
from benchmarks import bare
from benchmarks.measure import Measured, Ratio, against, measure
from benchmarks.product import ports_for, write_product

ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
LIMIT = 1.15
RUNS = {10: 5, 100: 2, 1000: 1}
MEMORY_RESOURCES = 200
MOST_BYTES = 300_000_000
SAMPLE_SECONDS = 0.02


def ratios(sizes: dict[int, int] | None = None) -> Iterator[Ratio]:
    """First `up`, `up` with nothing to change, and `preview`, in turns with the bare program."""
    engine = find_engine().path
    for size, runs in (sizes or RUNS).items():
        ours: dict[str, list[Measured]] = {"first `up`": [], "`up`, no change": [], "`preview`": []}
        floor: dict[str, list[Measured]] = {what: [] for what in ours}
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                _in_turns(Path(folder), size, engine, ours, floor)
        for what, mine in ours.items():
            yield against(f"{what}, {size:,} resources", mine, "bare Pulumi program", floor[what], limit=LIMIT)


def _in_turns(
    root: Path, size: int, engine: Path, ours: dict[str, list[Measured]], floor: dict[str, list[Measured]]
) -> None:
    manifest = write_product(root / "product", ports_for(size))
    home = root / "home"
    environ = {**os.environ, "ALCHEMESH_HOME": str(home), "NO_COLOR": "1"}
    up = [ALCHEMESH, "up", "--yes", "-C", str(manifest.parent)]
    preview = [ALCHEMESH, "preview", "-C", str(manifest.parent)]
    measure(preview, environ=environ)  # makes the stack, as `prepare` does for the bare program
    ours["first `up`"].append(measure(up, environ=environ))
    state = root / "state.json"
    written = home / "local" / "state" / ".pulumi" / "stacks" / "bench.product" / "local.json"
    state.write_text(written.read_text("utf-8").replace(str(home), str(root / "bare")), "utf-8")
    bare.prepare(root / "bare", engine)
    floor["first `up`"].append(run_bare("up", state, root / "bare", engine))
    ours["`up`, no change"].append(measure(up, environ=environ))
    floor["`up`, no change"].append(run_bare("up", state, root / "bare", engine))
    ours["`preview`"].append(measure(preview, environ=environ))
    floor["`preview`"].append(run_bare("preview", state, root / "bare", engine))


def run_bare(operation: str, state: Path, home: Path, engine: Path, *backend: str) -> Measured:
    """Run the bare program once, with its state in a folder or in the backend that is named."""
    command = [sys.executable, "-m", "benchmarks.bare", operation, str(state), str(home), str(engine), *backend]
    return measure(command, cwd=Path(__file__).parents[2])


MEMORY_HEAD = "| Measurement | Peak memory without the engine | Limit | Met |\n|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak memory of a command and its helpers, without the engine."""

    what: str
    peak_bytes: int

    @property
    def kept(self) -> bool:
        """Whether the limit is met."""
        return self.peak_bytes <= MOST_BYTES

    def row(self) -> str:
        """The line of the table in the docs."""
        kept = "yes" if self.kept else "NO"
        return f"| {self.what} | {self.peak_bytes / 1e6:.0f} MB | ≤ {MOST_BYTES / 1e6:.0f} MB | {kept} |"


def memory() -> Iterator[Memory]:
    """`up` of a product with two hundred resources, sampled while it runs."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        manifest = write_product(root / "product", ports_for(MEMORY_RESOURCES))
        environ = {**os.environ, "ALCHEMESH_HOME": str(root / "home"), "NO_COLOR": "1"}
        process = psutil.Popen(
            [ALCHEMESH, "up", "--yes", "-C", str(manifest.parent)], env=environ, stdout=subprocess.DEVNULL
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident(process))
            time.sleep(SAMPLE_SECONDS)
        if process.returncode != 0:
            raise RuntimeError(f"`up` left with {process.returncode}")
        yield Memory(f"`up` of {MEMORY_RESOURCES} resources", peak)


def _resident(process: psutil.Popen) -> int:
    """Resident memory of a command and its children in bytes, without the engine and servers that stay."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            if member.name() not in ("pulumi", "supervisord", "postgres"):
                total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
