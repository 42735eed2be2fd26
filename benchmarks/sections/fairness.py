"""Fairness between consumers of a data API: how much a greedy one slows down another."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from deltalake import write_deltalake

from alchemesh_platform.systems.local.data_api.gateway.credentials import Issued
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import grant_access
from alchemesh_platform.systems.local.data_api.gateway.issue import issue
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from benchmarks.measure import Ratio

ROWS, LOOKUPS, ROUNDS, GREEDY = 200_000, 400, 5, 8
LOOKUP = "SELECT id FROM flight WHERE id = %s"
BURN = "SELECT count(*) FROM flight a, flight b WHERE a.id % 7 = b.id % 11"
LIMIT = 3.0
_BEGIN_SECONDS = 2.0  # until the greedy statements run


def ratios() -> Iterator[Ratio]:
    """The 95th percentile of one consumer's look-ups, beside a greedy consumer and alone, in alternation."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_deltalake(folder / "flight", pa.table({"id": pa.array(range(ROWS), pa.int64())}))
        table = ServedTable("flight", (folder / "flight").as_uri(), "delta", ("id",))
        api = DataApi("fair", folder / "run", (table,), ("sql",), limits=Limits(connections=GREEDY))
        try:
            endpoints = deploy_product(api)
            gateway = Gateway(api.run_directory, api.process)
            quick, greedy = (
                issue(gateway, grant_access(gateway, consumer=f"d/{name}", request=f"req-{name}").user)
                for name in ("quick", "greedy")
            )
            pairs = []
            with _connected(endpoints, quick) as session:
                _p95(session)  # the first connection reads the table
                for _ in range(ROUNDS):
                    alone = _p95(session)
                    with _burning(endpoints, greedy):
                        pairs.append((_p95(session), alone))
        finally:
            take_down(api)
    found = [beside / alone for beside, alone in pairs]
    beside, alone = (statistics.median(each) for each in zip(*pairs, strict=True))
    yield Ratio(
        f"p95 of a look-up by key, beside a consumer with {GREEDY} statements that use every processor",
        "the same, alone",
        beside,
        alone,
        statistics.median(found),
        min(found),
        max(found),
        LIMIT,
    )


@contextmanager
def _burning(endpoints: Endpoints, greedy: Issued) -> Iterator[None]:
    sessions = [_connected(endpoints, greedy) for _ in range(GREEDY)]

    def burn(session: psycopg.Connection[Any]) -> None:
        with suppress(psycopg.Error):
            session.execute(BURN)

    threads = [threading.Thread(target=burn, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    time.sleep(_BEGIN_SECONDS)
    try:
        yield
    finally:
        for session in sessions:
            session.cancel()
        for thread in threads:
            thread.join()
        for session in sessions:
            session.close()


def _p95(session: psycopg.Connection[Any]) -> float:
    took = []
    for key in range(LOOKUPS):
        started = time.perf_counter()
        assert session.execute(LOOKUP, (key,)).fetchone() == (key,)
        took.append(time.perf_counter() - started)
    return statistics.quantiles(took, n=20)[-1]


def _connected(endpoints: Endpoints, who: Issued) -> psycopg.Connection[Any]:
    return psycopg.connect(endpoints.sql or "", user=who.user, password=who.password, dbname=who.user, autocommit=True)
