"""A mesh of 100 domains, 10,000 products, 50,000 contracts and 200,000 grants against a tenth of it.

A command on the whole mesh may take ten times as long; a command on one product may not take longer at all.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import measure
from benchmarks.mesh_records import fill, write_mesh_repo
from benchmarks.product import write_product
from parts.postgresql import running_postgresql

HEAD = "| Measurement | 1,000 products | 10,000 products | Factor | Limit | Met |\n|---|---|---|---|---|---|"
ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
SMALL, FULL = 10, 100  # domains
TIMES = FULL // SMALL
# On a noisy machine this still counts as ten times, and this as once.
LINEAR, INDEPENDENT = TIMES * 1.25, 1.25
RUNS = 5
WHOLE = {
    "first `mesh apply`": ["mesh", "apply", "{repo}", "--yes"],
    "`mesh apply`, no change": ["mesh", "apply", "{repo}", "--yes"],
    "`mesh show`": ["mesh", "show"],
}
ONE = {
    "`validate -e local --mesh` of a product": ["validate", "{product}", "-e", "local", "--mesh"],
    "`preview` of a product": ["preview", "-C", "{product}"],
}


@dataclass(frozen=True, slots=True)
class Grown:
    """One command in the small and in the full mesh."""

    what: str
    small_seconds: float
    full_seconds: float
    limit: float

    @property
    def ratio(self) -> float:
        """The factor by which the full mesh takes longer."""
        return self.full_seconds / self.small_seconds

    @property
    def kept(self) -> bool:
        """Whether the limit is met."""
        return self.ratio <= self.limit

    def row(self) -> str:
        """The line of the table in the docs."""
        return (
            f"| {self.what} | {self.small_seconds:.2f} s | {self.full_seconds:.2f} s | **{self.ratio:.2f}** "
            f"| ≤ {self.limit:g} | {'yes' if self.kept else 'NO'} |"
        )


def grown() -> Iterator[Grown]:
    """Each command on SQLite and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder)
        server = stack.enter_context(running_postgresql())
        for name in ("SQLite", "PostgreSQL"):
            places = {}
            for domains in (SMALL, FULL):
                place = root / f"{name}-{domains}"
                place.mkdir()
                url = f"sqlite:///{place / 'registry.db'}" if name == "SQLite" else server.url(server.create_database())
                fill(url, domains)
                (place / "platform.yaml").write_text(
                    f"kind: Platform\nname: bench\nenvironments:\n"
                    f"  local: {{extends: builtin/local, registry: '{url}'}}\n"
                )
                write_mesh_repo(place / "repo", domains)
                write_product(place / "product", 1)
                places[domains] = place
            for what, command in WHOLE.items():
                runs = 1 if what.startswith("first") else RUNS
                small, full = _in_turns(command, places[SMALL], places[FULL], runs)
                yield Grown(f"{what}, {name}", small, full, LINEAR)
            for what, command in ONE.items():
                small, full = _in_turns(command, places[SMALL], places[FULL], RUNS)
                yield Grown(f"{what}, {name}", small, full, INDEPENDENT)


def _in_turns(command: list[str], small: Path, full: Path, runs: int) -> tuple[float, float]:
    """Median seconds in the small mesh and in the full one."""
    seconds: dict[Path, list[float]] = {small: [], full: []}
    for _ in range(runs):
        for place in (small, full):
            seconds[place].append(_seconds(command, place))
    return statistics.median(seconds[small]), statistics.median(seconds[full])


def _seconds(command: list[str], place: Path) -> float:
    filled = [part.format(repo=place / "repo", product=place / "product") for part in command]
    environ = {
        **os.environ,
        "ALCHEMESH_HOME": str(place / "home"),
        "ALCHEMESH_PLATFORM": str(place / "platform.yaml"),
        "ALCHEMESH_USER": "bench@bench.example",
        "NO_COLOR": "1",
    }
    return measure([ALCHEMESH, *filled], environ=environ, cwd=place).wall
