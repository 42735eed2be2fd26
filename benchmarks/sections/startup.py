"""Commands that list or check, against the start of Python with click, and with 200 packages against 10."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measured, Ratio, against, measure

RUNS = 15
FLOOR = [sys.executable, "-c", "import click"]
ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
FLIGHTS = Path(__file__).parents[2] / "examples" / "flights" / "alchemesh.yaml"

# pydantic and PyYAML, which read and check a manifest, take three times the baseline to import.
COMMANDS = {
    "`alchemesh --help`": ([ALCHEMESH, "--help"], 2.0),
    "`alchemesh components list`": ([ALCHEMESH, "components", "list"], 2.0),
    "`alchemesh validate`": ([ALCHEMESH, "validate", str(FLIGHTS)], 4.0),
}

MANY, FEW = 200, 10  # installed packages with a component each
WITH_MANY = 1.5  # times as long with many packages as with few
SPEC = '''"""Catalogue entry."""
from alchemesh_platform.sdk.spec import ComponentSpec, Role
SPEC = ComponentSpec(
    name="acme-{n}", component_type="acme-type-{n}", roles=(Role.STORAGE,), summary="Files elsewhere.", version="1.0.0",
    maturity="beta", owner="acme", stateful=True, component="acme_{n}.component:Files", args="acme_{n}.models:Args",
    settings="acme_{n}.models:Settings", outputs="acme_{n}.models:Outputs",
)
'''


def ratios() -> Iterator[Ratio]:
    """Each command in alternation with its baseline."""
    environ = {**os.environ, "NO_COLOR": "1"}
    for what, (command, limit) in COMMANDS.items():
        yield _ratio(what, command, environ, '`python -c "import click"`', FLOOR, environ, limit)
    with tempfile.TemporaryDirectory(prefix="alchemesh-packages-") as folder:
        many, few = (_with_packages(Path(folder, str(number)), number, environ) for number in (MANY, FEW))
        for what, (command, _) in list(COMMANDS.items())[1:]:
            yield _ratio(f"{what}, {MANY} packages", command, many, f"{FEW} packages", command, few, WITH_MANY)


def _ratio(
    what: str,
    command: list[str],
    environ: dict[str, str],
    floor: str,
    floor_command: list[str],
    floor_environ: dict[str, str],
    limit: float,
) -> Ratio:
    ours: list[Measured] = []
    theirs: list[Measured] = []
    for _ in range(RUNS + 1):  # the first run of each compiles its imports, and fills its cache
        ours.append(measure(command, environ=environ))
        theirs.append(measure(floor_command, environ=floor_environ))
    return against(what, ours[1:], floor, theirs[1:], limit=limit)


def _with_packages(folder: Path, number: int, environ: dict[str, str]) -> dict[str, str]:
    """Install packages with a component each into a folder; returns the variables of a command that finds them."""
    for n in range(number):
        module, metadata = folder / f"acme_{n}", folder / f"acme_{n}-1.0.0.dist-info"
        module.mkdir(parents=True)
        metadata.mkdir()
        (module / "__init__.py").write_text("")
        (module / "spec.py").write_text(SPEC.format(n=n))
        requires = "Requires-Dist: alchemesh-platform>=0"
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{n}\nVersion: 1.0.0\n{requires}\n")
        (metadata / "entry_points.txt").write_text(f"[alchemesh.components]\nacme-{n} = acme_{n}.spec:SPEC\n")
    return {**environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
