"""REST of a data API through its gateway: a page against roapi, and bulk reading against the Delta table."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.systems.local.data_api.programs import program
from alchemesh_platform.systems.local.data_api.server import DataApi, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from benchmarks.measure import Ratio

ROWS = 5_000_000
PAGE_ROWS = 1_000
PAGES, READS = 30, 5
LOAD_SECONDS = 1_200.0
ARROW = "application/vnd.apache.arrow.stream"
COLUMNS = """
    'UA' || i AS flight_id, 2013 AS year, (1 + i % 12)::BIGINT AS month, (i * 7 % 2400)::BIGINT AS departure,
    (i % 997)::DOUBLE / 3 AS delay, ['UA', 'AA', 'DL'][1 + i % 3] AS carrier, (i * 13 % 9999)::BIGINT AS number,
    'N' || (i % 4000) AS tail, ['JFK', 'LGA', 'EWR'][1 + i % 3] AS origin, (100 + i * 17 % 3000)::BIGINT AS distance,
    TIMESTAMPTZ '2013-01-01 00:00:00+00' + to_seconds(i * 13) AS scheduled, (i % 99999 / 100)::DECIMAL(10, 2) AS price
"""


def ratios() -> Iterator[Ratio]:
    """A page of rows, and all rows as Arrow."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows = duckdb.sql(f"SELECT {COLUMNS} FROM range({ROWS}) AS r(i)").to_arrow_table()
        write_deltalake(folder / "flight", rows)
        table = ServedTable("flight", (folder / "flight").as_uri(), "delta", ("flight_id",))
        api = DataApi("flights", folder / "run", (table,), ("rest",))
        try:
            endpoints = deploy_product(api, timeout_seconds=LOAD_SECONDS)
            ours = DataApiConnection(rest=endpoints.rest, credential_file=endpoints.credential_file)
            with roapi(folder, "flight") as started:
                theirs = DataApiConnection(rest=f"http://{started.http}/api")
                yield against(
                    f"a REST page of {PAGE_ROWS:,} rows of {ROWS:,}, through the gateway",
                    lambda: len(json.loads(_read(ours, f"/tables/flight?limit={PAGE_ROWS}"))),
                    "the same page of roapi, without a gateway",
                    lambda: len(json.loads(_read(theirs, f"/tables/flight?limit={PAGE_ROWS}"))),
                    PAGES,
                    limit=1.0,
                )
            yield against(
                f"{ROWS:,} rows as Arrow over HTTP, through the gateway",
                lambda: pa.ipc.open_stream(_read(ours, "/tables/flight", ARROW)).read_all().num_rows,
                "`DeltaTable.to_pyarrow_table()` in process",
                lambda: DeltaTable(str(folder / "flight")).to_pyarrow_table().num_rows,
                READS,
                limit=1.5,
            )
        finally:
            take_down(api)


def _read(api: DataApiConnection, path: str, accept: str = "application/json") -> bytes:
    headers = {"Accept": accept, **(api.headers() if api.credential_file else {})}
    with urllib.request.urlopen(urllib.request.Request(f"{api.rest}{path}", None, headers), timeout=600) as answer:  # noqa: S310
        found: bytes = answer.read()
    return found


@dataclass(frozen=True, slots=True)
class Roapi:
    """The addresses of a roapi."""

    http: str
    postgres: str


@contextmanager
def roapi(folder: Path, table: str) -> Iterator[Roapi]:
    """A roapi, as the platform served ports by before, with a Delta table of a folder."""
    found = Roapi(*(f"127.0.0.1:{free_port('127.0.0.1')}" for _ in range(2)))
    served = {"name": table, "uri": str(folder / table), "option": {"format": "delta", "use_memory_table": False}}
    configuration = folder / "roapi.yml"
    addresses = {"http": found.http, "postgres": found.postgres, "flight_sql": "127.0.0.1:0"}
    configuration.write_text(json.dumps({"addr": addresses, "tables": [served]}))
    command = [str(program("roapi")), "--config", str(configuration)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://{found.http}/health", timeout=30).close()
                    break
                except OSError:
                    assert server.poll() is None, "roapi ended"
                    time.sleep(0.05)
            yield found
        finally:
            server.kill()


def against(
    what: str,
    ours: Callable[[], int],
    floor: str,
    theirs: Callable[[], int],
    times: int,
    *,
    limit: float | None,
    fastest: bool = False,
) -> Ratio:
    """Both in alternation, in this process.

    Args:
        fastest: Whether the fastest runs are compared, which other programs of the machine disturb least. By default
            the medians are.
    """
    assert ours() == theirs(), "both read the same number of rows"
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(times)]
    found = [mine / other for mine, other in pairs]
    mine, other = ((min if fastest else statistics.median)(each) for each in zip(*pairs, strict=True))
    ratio = mine / other if fastest else statistics.median(found)
    return Ratio(what, floor, mine, other, ratio, min(found), max(found), limit)


def _seconds(work: Callable[[], int]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
