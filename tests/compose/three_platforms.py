"""The product flights on the first 2,000 departures: the same rows wherever its manifest is deployed.

The tests of the local platform, of Google Cloud and of AWS compare with one digest, since no worker has the servers of
all three.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.connections import Connections

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
FLIGHTS = EXAMPLES / "flights"
DEPARTURES = 2_000  # of the first days of the year
WEATHER = "2013,1,"  # the readings of January's first days
OUTPUTS = {
    "flights-table": ("airline", "airport", "flight"),
    "raw-files": ("departure", "weather_observation"),
}
DIGEST = (
    "airline 16 6f22f058155878ae, airport 1458 bba09c115afb1a0b, flight 2000 f64a442b174fb887, "
    "departure 2000 a0110507e6f69016, weather_observation 283 1f7b72b7f19ef5ac"
)
_RUN = "from flights.clean import main; main(); from tests.compose.three_platforms import digest; print(digest())"


def operational_files(folder: Path) -> None:
    """Write the beginnings of the examples' files."""
    sys.path.insert(0, str(EXAMPLES))
    import data

    for known in data.TABLES:
        target = folder / known.unpacked
        target.parent.mkdir(parents=True)
        with data.opened(data.package_data() / known.packed, known) as packed:
            header, *lines = io.TextIOWrapper(packed, "utf-8").readlines()
        chosen = lines
        if known.name == "flights":
            chosen = lines[:DEPARTURES]
        elif known.name == "weather":
            chosen = [line for line in lines if line[4:].startswith(WEATHER) and int(line.split(",")[3]) < 5]
        target.write_text(header + "".join(chosen), "utf-8")


def deliver(connections: Connections, operations: Path, put: Callable[[str, str, Path], None]) -> None:
    """Put the files of the operational systems where the deployed input ports read them.

    Args:
        connections: The connections of the deployed product.
        operations: The folder with the files.
        put: Puts a file into a bucket: name of the bucket, key, path of the file.
    """
    for port, table in _tables():
        storage = connections.inputs[port].storage
        assert storage is not None
        bucket, _, folder = str(storage.url).partition("://")[2].partition("/")
        inside = (storage.reading or {}).get("folder", "")
        put(bucket, f"{f'{folder}/'.lstrip('/')}{inside}{table}.csv", operations / table / f"{table}.csv")


def run_flights(connections: Connections, folder: Path, variables: Mapping[str, str]) -> str:
    """Run the code of the product on deployed ports, in a process of its own; returns the digest of what it wrote.

    Args:
        connections: The connections of the deployed product.
        folder: A folder for the document with the connections.
        variables: Environment variables that lead to the emulators.
    """
    file = folder / "connections.json"
    file.write_text(connections.model_dump_json())
    paths = os.pathsep.join(map(str, (FLIGHTS, REPOSITORY)))
    passed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        cwd=folder,
        env={**passed, **variables, "ALCHEMESH_CONNECTIONS": str(file), "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def digest() -> str:
    """A digest of the rows of each model of the output ports, as this process can read them."""
    from alchemesh_platform.connections import connections

    known, found = connections(), []
    for port, models in OUTPUTS.items():
        for model in models:
            rows = [json.dumps(row, default=str, sort_keys=True) for row in known.output(port).read(model).pylist()]
            whole = hashlib.sha256("\n".join(sorted(rows)).encode())
            found.append(f"{model} {len(rows)} {whole.hexdigest()[:16]}")
    return ", ".join(found)


def _tables() -> Iterator[tuple[str, str]]:
    """Each input port, and the table of the operational systems that it reads."""
    from alchemesh_platform.manifest.load import load_manifest

    for port in load_manifest(FLIGHTS / "alchemesh.yaml").product.input_ports:
        yield port.name, Path(str(port.args["path"])).parent.name
