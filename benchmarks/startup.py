"""Commands that list or check, against the start of Python with click."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measured, Ratio, against, measure

RUNS = 15
FLOOR = [sys.executable, "-c", "import click"]
ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
FLIGHTS = Path(__file__).parent.parent / "examples" / "flights" / "alchemesh.yaml"

# pydantic and PyYAML, which read and check a manifest, take three times the baseline to import.
COMMANDS = {
    "`alchemesh --help`": ([ALCHEMESH, "--help"], 2.0),
    "`alchemesh components list`": ([ALCHEMESH, "components", "list"], 2.0),
    "`alchemesh validate`": ([ALCHEMESH, "validate", str(FLIGHTS)], 4.0),
}


def ratios() -> Iterator[Ratio]:
    """Each command in alternation with the baseline."""
    environ = {**os.environ, "NO_COLOR": "1"}
    for what, (command, limit) in COMMANDS.items():
        ours: list[Measured] = []
        floor: list[Measured] = []
        for _ in range(RUNS + 1):
            ours.append(measure(command, environ=environ))
            floor.append(measure(FLOOR, environ=environ))
        yield against(what, ours[1:], '`python -c "import click"`', floor[1:], limit=limit)
