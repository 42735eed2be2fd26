"""Metering of a data API: its cost beside that of the gateway, and a log of 1 GB in bounded memory."""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pyarrow as pa
from deltalake import write_deltalake

from alchemesh_platform.app.usage.meter import meter_source
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.usage.lines import totals_of
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.metering.sources import WebLog
from alchemesh_platform.systems.local.data_api.server import DataApi, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from benchmarks.measure import Measured, Peak, Ratio, against, measure

PORT = "bench/product/table"
REQUESTS, RUNS = 4_000, 5
LIMIT = 1.05
LOG_BYTES = 1_000_000_000
MEMORY_MAX = 300 * 1024**2
IDLE_SECONDS = 5.0
LOADED_SECONDS = 20.0  # for the last lines of the log

METER = """
import sys
from pathlib import Path
from alchemesh_platform.app.usage.meter import meter_source
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.metering.sources import WebLog
with Registry.open(sys.argv[1]) as registry:
    print(meter_source(registry, "local", sys.argv[2], WebLog(Gateway.at(Path(sys.argv[3])))))
"""


def ratios(requests: int = REQUESTS, log_bytes: int = LOG_BYTES) -> Iterator[Ratio | Peak]:
    """The processor time of serving and metering requests against that of serving them, and a large log."""
    with tempfile.TemporaryDirectory(prefix="alchemesh-metering-") as temporary:
        folder = Path(temporary)
        ours, theirs = _served(folder, requests)
        what = f"processor time of {requests:,} small REST requests, metered"
        yield against(what, ours, "the same requests, not metered", theirs, limit=LIMIT)
        yield _large(folder, log_bytes)


def _served(folder: Path, requests: int) -> tuple[list[Measured], list[Measured]]:
    write_deltalake(folder / "flight", pa.table({"id": [f"UA{at}" for at in range(1_000)]}))
    table = ServedTable("flight", (folder / "flight").as_uri(), "delta", ("id",))
    api = DataApi("flights", folder / "run", (table,), ("rest",))
    metered, plain = [], []
    try:
        endpoints = deploy_product(api)
        connection = DataApiConnection(rest=endpoints.rest, credential_file=endpoints.credential_file)
        source = WebLog(api.gateway)
        with Registry.open(f"sqlite:///{folder / 'registry.db'}") as registry:
            meter_source(registry, "local", PORT, source)
            idle = _idle(folder)
            for _ in range(RUNS):
                expected = _counted(registry) + requests
                before, begin = _processor(folder), time.monotonic()
                _ask(connection, requests)
                serving = _processor(folder) - before - idle * (time.monotonic() - begin)
                metering = 0.0
                deadline = time.monotonic() + LOADED_SECONDS
                while _counted(registry) < expected:  # the gateway logs a request after it has answered it
                    assert time.monotonic() < deadline, "each request is counted"
                    begun = time.process_time()
                    meter_source(registry, "local", PORT, source)
                    metering += time.process_time() - begun
                plain.append(Measured(serving, serving, 0))
                metered.append(Measured(serving + metering, serving + metering, 0))
    finally:
        take_down(api)
    return metered, plain


def _counted(registry: Registry) -> int:
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    return sum(each.requests for each in totals_of(registry, "local", PORT, first, last))


def _ask(connection: DataApiConnection, requests: int) -> None:
    address = urlsplit(str(connection.rest))
    client = http.client.HTTPConnection(str(address.hostname), address.port or 0, timeout=60)
    for _ in range(requests):
        client.request("GET", f"{address.path}/tables/flight?limit=10", headers=connection.headers())
        answer = client.getresponse()
        answer.read()
        assert answer.status == 200
    client.close()


def _idle(folder: Path) -> float:
    """The share of a processor that the data API takes without requests: its loader looks for new data."""
    before, begin = _processor(folder), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return (_processor(folder) - before) / (time.monotonic() - begin)


def _processor(folder: Path) -> float:
    """Seconds of processor time of all processes of a folder, with their descendants."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if any(str(folder) in argument for argument in process.cmdline()):
                found |= {each.pid: each for each in (process, *process.children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    total = 0.0
    for process in found.values():
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _large(folder: Path, log_bytes: int) -> Peak:
    gateway = Gateway(folder, "large")
    gateway.folder.mkdir()
    request = {"method": "GET", "uri": "/api/tables/flight?limit=", "remote_ip": "127.0.0.1", "remote_port": "1"}
    written = number = 0
    with (gateway.folder / "access.log").open("wb", buffering=1024**2) as log:
        while written < log_bytes:
            line = {
                "level": "info",
                "ts": 1_772_366_400 + number * 0.01,
                "logger": "http.log.access",
                "msg": "handled request",
                "request": {**request, "client_ip": "127.0.0.1", "proto": "HTTP/1.1", "host": "127.0.0.1:28536"},
                "bytes_read": 0,
                "user_id": f"consumer_{number % 50}",
                "duration": 0.012,
                "size": 1_400,
                "status": 200,
                "rows": "10",
            }
            written += log.write(json.dumps(line).encode() + b"\n")
            number += 1
    url = f"sqlite:///{folder / 'large.db'}"
    Registry.open(url).close()
    done = measure([sys.executable, "-c", METER, url, PORT, str(gateway.folder)])
    with Registry.open(url) as registry:
        assert _counted(registry) == number, "each request is counted once"
    return Peak(
        f"a log of {log_bytes / 10**9:g} GB with {number:,} requests, metered", done.wall, done.peak_bytes, MEMORY_MAX
    )
