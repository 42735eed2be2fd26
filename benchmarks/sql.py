"""SQL of a data API through its gateway, against the same statements in a bare PostgreSQL with the same rows."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psutil
import psycopg
import pyarrow as pa
from deltalake import write_deltalake

from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.serving.limits import Limits
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from benchmarks.data_api import COLUMNS, LOAD_SECONDS, against
from benchmarks.measure import Ratio
from parts.postgresql import running_postgresql

ROWS, FEW_ROWS, APPENDED = 5_000_000, 100_000, 10_000
LOOKUP = "SELECT * FROM flight WHERE flight_id = 'UA4711'"
AGGREGATE = "SELECT carrier, count(*), avg(delay), sum(price) FROM flight GROUP BY carrier"
PAGE = "SELECT * FROM flight ORDER BY flight_id LIMIT 1000"
LOOKUPS, AGGREGATES, PAGES, CONNECTIONS, APPENDS = 300, 5, 40, 20, 3
MANY, MEMORY_MAX = 200, 2_000_000_000


def ratios() -> Iterator[Ratio]:
    """Statements of a consumer, new connections, and the refresh of the copy after an append."""
    with tempfile.TemporaryDirectory() as temporary, running_postgresql() as bare:
        folder = Path(temporary)
        rows = duckdb.sql(f"SELECT {COLUMNS} FROM range({ROWS}) AS r(i)").to_arrow_table()
        write_deltalake(folder / "flight", rows)
        write_deltalake(folder / "few", rows.slice(0, FEW_ROWS))
        url = bare.url(bare.create_database())
        tables = tuple(
            ServedTable(name, (folder / name).as_uri(), "delta", ("flight_id",)) for name in ("flight", "few")
        )
        api = DataApi("flights", folder / "run", tables, ("sql",), limits=Limits(connections=MANY + 20))
        try:
            endpoints = deploy_product(api, timeout_seconds=LOAD_SECONDS)
            _load(url, rows)
            del rows
            ours = _address(endpoints)
            with psycopg.connect(ours, autocommit=True) as one, psycopg.connect(url, autocommit=True) as other:
                for what, statement, times in (
                    ("a look-up by key", LOOKUP, LOOKUPS),
                    (f"an aggregate over {ROWS:,} rows", AGGREGATE, AGGREGATES),
                    ("a page of 1,000 rows", PAGE, PAGES),
                ):
                    yield against(
                        f"{what}, through the gateway",
                        _asking(one, statement),
                        "the same in a bare PostgreSQL",
                        _asking(other, statement),
                        times,
                        limit=1.1,
                    )
            yield against(
                "a new connection with its first query, through the gateway",
                lambda: _first(ours),
                "the same to a bare PostgreSQL",
                lambda: _first(url),
                CONNECTIONS,
                limit=None,
            )
            yield against(
                f"{APPENDED:,} rows appended to {ROWS:,} and served",
                lambda: _append(ours, folder / "flight", "flight"),
                f"the same appended to {FEW_ROWS:,}",
                lambda: _append(ours, folder / "few", "few"),
                APPENDS,
                limit=1.5,
            )
            _many_connections(ours, api)
        finally:
            take_down(api)


def _address(endpoints: Endpoints) -> str:
    credential = json.loads(Path(endpoints.credential_file).read_text())
    user, password = credential["user"], credential["password"]
    return f"postgresql://{user}:{password}@127.0.0.1:{endpoints.postgres_port}/{user}"


def _load(url: str, rows: pa.Table) -> None:
    import adbc_driver_postgresql.dbapi as adbc

    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("flight", rows, mode="create")
        connection.commit()
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("ALTER TABLE flight ADD PRIMARY KEY (flight_id)")
        session.execute("VACUUM (FREEZE, ANALYZE) flight")


def _asking(connection: psycopg.Connection[Any], statement: str) -> Callable[[], int]:
    return lambda: len(connection.execute(statement.encode()).fetchall())


def _first(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        return len(connection.execute(LOOKUP.encode()).fetchall())


def _append(url: str, folder: Path, table: str) -> int:
    """Append rows, and wait until a consumer reads the last of them."""
    mark = f"XX{time.time_ns()}-"
    rows = duckdb.sql(f"SELECT {COLUMNS} FROM range({APPENDED}) AS r(i)").to_arrow_table()
    names = pa.array([f"{mark}{number}" for number in range(APPENDED)])
    write_deltalake(folder, rows.set_column(0, "flight_id", names), mode="append")
    served = f"SELECT 1 FROM {table} WHERE flight_id = '{mark}{APPENDED - 1}'".encode()
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute(served).fetchall():
            time.sleep(0.02)
    return APPENDED


def _many_connections(url: str, api: DataApi) -> None:
    """Many connections at once, each with a query, within a limit of memory."""
    held = []
    try:
        for _ in range(MANY):
            held.append(psycopg.connect(url, autocommit=True))
            held[-1].execute(LOOKUP.encode()).fetchall()
        from alchemesh_platform.machine.supervisor import config_folder

        supervisor = int((config_folder(api.run_directory) / "supervisord.pid").read_text())
        used = sum(process.memory_full_info().pss for process in psutil.Process(supervisor).children(recursive=True))
        print(f"{len(held)} connections: {used / 1e6:,.0f} MB")
        if used > MEMORY_MAX:
            raise AssertionError(f"{len(held)} connections use {used:,} bytes, more than {MEMORY_MAX:,}")
    finally:
        for connection in held:
            connection.close()
