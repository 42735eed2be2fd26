"""SQL of a data API through its gateway, against the same statements in a bare PostgreSQL with the same rows."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psutil
import psycopg
import pyarrow as pa
from deltalake import write_deltalake

from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.systems.local.data_api.programs import program
from alchemesh_platform.systems.local.data_api.sandbox import unprivileged_command
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from benchmarks.measure import Ratio
from benchmarks.sections.data_api import COLUMNS, LOAD_SECONDS, against, roapi
from parts.postgresql import PASSWORD, running_postgresql

ROWS, FEW_ROWS, APPENDED = 5_000_000, 100_000, 10_000
LOOKUP = "SELECT * FROM flight WHERE flight_id = 'UA4711'"
AGGREGATE = "SELECT carrier, count(*), avg(delay), sum(price) FROM flight GROUP BY carrier"
PAGE = "SELECT * FROM flight ORDER BY flight_id LIMIT 1000"
FIRST = "SELECT flight_id, carrier FROM few WHERE flight_id = 'UA4711'"
LOOKUPS, AGGREGATES, PAGES, CONNECTIONS, APPENDS = 3_000, 13, 400, 20, 3
MANY, MEMORY_MAX = 200, 2_000_000_000


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a data API's processes; pages that they share count once."""

    what: str
    used_bytes: int

    @property
    def kept(self) -> bool:
        """Whether the limit is met."""
        return self.used_bytes <= MEMORY_MAX

    def row(self) -> str:
        """The line of the table in the docs."""
        used = f"{self.used_bytes / 1e6:,.0f} MB"
        return f"| {self.what} | – | {used} | – | – | ≤ {MEMORY_MAX / 1e6:,.0f} MB | {'yes' if self.kept else 'NO'} |"


def ratios() -> Iterator[Ratio | Memory]:
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
            _load(url, "flight", rows)
            _load(url, "few", rows.slice(0, FEW_ROWS))
            del rows
            ours = _address(endpoints)
            with (
                psycopg.connect(ours, autocommit=True) as one,
                psycopg.connect(url, autocommit=True) as other,
                _pgbouncer(bare.port, folder) as pooled,
                psycopg.connect(pooled.format(url.rpartition("/")[2]), autocommit=True) as third,
            ):
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
                        fastest=True,
                    )
                    yield against(
                        f"{what}, through the gateway",
                        _asking(one, statement),
                        "the same in a bare PostgreSQL behind a bare PgBouncer",
                        _asking(third, statement),
                        times,
                        limit=1.1,
                        fastest=True,
                    )
            with roapi(folder, "few") as address:
                yield against(
                    "a new connection with its first query, through the gateway",
                    lambda: _first(ours),
                    "the same to roapi, without a gateway",
                    lambda: _first(f"postgresql://nobody@{address.postgres}/nobody"),
                    CONNECTIONS,
                    limit=1.5,
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
            yield _many_connections(ours, api)
        finally:
            take_down(api)


def _address(endpoints: Endpoints) -> str:
    credential = json.loads(Path(endpoints.credential_file).read_text())
    user, password = credential["user"], credential["password"]
    return f"postgresql://{user}:{password}@127.0.0.1:{endpoints.postgres_port}/{user}"


def _load(url: str, table: str, rows: pa.Table) -> None:
    import adbc_driver_postgresql.dbapi as adbc

    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(table, rows, mode="create")
        connection.commit()
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (flight_id)".encode())
        session.execute(f"VACUUM (FREEZE, ANALYZE) {table}".encode())


@contextmanager
def _pgbouncer(port: int, folder: Path) -> Iterator[str]:
    """A PgBouncer with its own defaults, in front of a PostgreSQL. Yields an address with a place for the database."""
    listen = free_port("127.0.0.1")
    pooler = folder / "pgbouncer"
    pooler.mkdir()
    (pooler / "users").write_text(f'"registrar" "{PASSWORD}"\n')
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": listen,
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": pooler / "users",
        "ignore_startup_parameters": "extra_float_digits",
    }
    configuration = pooler / "pgbouncer.ini"
    text = "\n".join(f"{name} = {value}" for name, value in settings.items())
    configuration.write_text(f"[databases]\n* = host=127.0.0.1 port={port}\n[pgbouncer]\n{text}\n")
    command = unprivileged_command((str(program("pgbouncer")), str(configuration)), pooler)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            address = f"postgresql://registrar:{PASSWORD}@127.0.0.1:{listen}/{{}}"
            while True:
                try:
                    psycopg.connect(address.format("postgres")).close()
                    break
                except psycopg.OperationalError:
                    assert server.poll() is None, "PgBouncer ended"
                    time.sleep(0.05)
            yield address
        finally:
            server.kill()


def _asking(connection: psycopg.Connection[Any], statement: str) -> Callable[[], int]:
    return lambda: len(connection.execute(statement.encode()).fetchall())


def _first(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        return len(connection.execute(FIRST.encode()).fetchall())


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


def _many_connections(url: str, api: DataApi) -> Memory:
    """The memory of many connections at once, each with a query."""
    held = []
    try:
        for _ in range(MANY):
            held.append(psycopg.connect(url, autocommit=True))
            held[-1].execute(LOOKUP.encode()).fetchall()
        from alchemesh_platform.machine.servers.supervisor import config_folder

        supervisor = int((config_folder(api.run_directory) / "supervisord.pid").read_text())
        used = sum(process.memory_full_info().pss for process in psutil.Process(supervisor).children(recursive=True))
        return Memory(f"{len(held)} connections at once, each with a query", used)
    finally:
        for connection in held:
            connection.close()
