"""One consumer cannot stop the others: limits hold against consumers who change their own settings."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import psutil
import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.place import connect as administer
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from tests.systems.local.gateway.answers import connect, grant, query
from tests.waiting import until

pytestmark = pytest.mark.slow

ROWS = 200_000
LIMITS = Limits(
    statement_seconds=2, idle_transaction_seconds=2, statement_megabytes=128, temporary_gigabytes=0.05, connections=8
)
GREEDY = "SELECT count(*) FROM flight a, flight b WHERE a.id % 7 = b.id % 11"
ENDLESS = "SELECT a.id, b.id FROM flight a, flight b"
UNLIMITED = (
    "SET statement_timeout = 0",
    "SET idle_in_transaction_session_timeout = 0",
    "SET client_connection_check_interval = 0",
    "SET work_mem = '2000MB'",
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataApi]:
    folder = tmp_path_factory.mktemp("limits")
    write_deltalake(folder / "flight", pa.table({"id": pa.array(range(ROWS), pa.int64())}))
    table = ServedTable("flight", (folder / "flight").as_uri(), "delta", ("id",))
    wanted = DataApi("limits", folder / "run", (table,), ("sql",), limits=LIMITS)
    yield wanted
    take_down(wanted)


@pytest.fixture(scope="module")
def endpoints(api: DataApi) -> Endpoints:
    return deploy_product(api)


@pytest.fixture
def gateway(api: DataApi, endpoints: Endpoints) -> Gateway:
    return Gateway(api.run_directory, api.process)


def test_a_statement_that_takes_too_long_ends_with_a_clear_error(endpoints: Endpoints, gateway: Gateway) -> None:
    with connect(endpoints, grant(gateway, "req-time")) as connection:
        with pytest.raises(psycopg.errors.QueryCanceled, match="canceling statement due to statement timeout"):
            query(connection, GREEDY)
        assert query(connection, "SELECT count(*) FROM flight") == [(ROWS,)]


def test_a_consumer_who_removes_the_timeouts_is_stopped_nevertheless(endpoints: Endpoints, gateway: Gateway) -> None:
    credential = grant(gateway, "req-no-timeout")
    with connect(endpoints, credential) as connection:
        for setting in UNLIMITED:
            query(connection, setting)
        started = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            query(connection, GREEDY)
        assert time.monotonic() - started < LIMITS.statement_seconds + 30
    connection = connect(endpoints, credential)
    for statement in (*UNLIMITED, "BEGIN", "SELECT count(*) FROM flight"):
        query(connection, statement)
    until(lambda: not connections_of(gateway, credential.user), "the open transaction is ended")
    connection.close()


def test_a_statement_that_needs_too_much_memory_or_disk_fails_alone(endpoints: Endpoints, gateway: Gateway) -> None:
    with (
        connect(endpoints, grant(gateway, "req-memory")) as theirs,
        connect(endpoints, grant(gateway, "req-by")) as others,
    ):
        for setting in UNLIMITED:
            query(theirs, setting)
        with pytest.raises(psycopg.errors.OutOfMemory):
            query(theirs, "SELECT length(string_agg(repeat('x', 1000), '')) FROM flight")
        query(theirs, "SET work_mem = '64kB'")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="temp_file_limit"):
            query(theirs, "SELECT count(*) FROM (SELECT repeat(id::text, 100) AS t FROM flight ORDER BY t OFFSET 1) s")
        assert query(theirs, "SELECT count(*) FROM flight") == query(others, "SELECT count(*) FROM flight") == [(ROWS,)]


def test_a_result_without_an_end_is_bounded_by_the_time_of_its_statement(
    endpoints: Endpoints, gateway: Gateway
) -> None:
    """Neither PostgreSQL nor PgBouncer has a limit of rows. The limit of time stops each kind of reader."""
    credential = grant(gateway, "req-rows")
    with connect(endpoints, credential) as reader:
        with pytest.raises(psycopg.errors.QueryCanceled, match="canceling statement due to statement timeout"):
            read_to_the_end(reader)
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="temp_file_limit"):
            query(reader, f"BEGIN; DECLARE kept CURSOR WITH HOLD FOR {ENDLESS}; COMMIT")
    with connect(endpoints, credential) as reader, connect(endpoints, credential) as sleeper:
        for setting in UNLIMITED:
            query(reader, setting)
            query(sleeper, setting)
        sleeper.pgconn.send_query(ENDLESS.encode())  # and never reads
        started = time.monotonic()
        with pytest.raises(psycopg.Error):
            read_to_the_end(reader)
        assert time.monotonic() - started < LIMITS.statement_seconds + 30
        until(lambda: not connections_of(gateway, credential.user), "both are ended")
        sleeper.pgconn.finish()


def read_to_the_end(connection: psycopg.Connection[object]) -> None:
    for _ in connection.cursor().stream(ENDLESS):
        pass


def connections_of(gateway: Gateway, user: str) -> list[str]:
    with administer(gateway.place) as session:
        found = session.execute("SELECT state FROM pg_stat_activity WHERE usename = %s", (user,)).fetchall()
    return [state for (state,) in found]


def test_the_processes_of_a_greedy_consumer_wait_for_those_of_others(endpoints: Endpoints, gateway: Gateway) -> None:
    """Eight statements of one consumer use all processors. The kernel runs the look-ups of another one first."""
    quick, greedy = grant(gateway, "req-quick"), grant(gateway, "req-greedy")
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            with connect(endpoints, greedy) as connection:
                is_refused(connection, GREEDY)

    with connect(endpoints, quick) as connection:
        threads = [threading.Thread(target=burn) for _ in range(LIMITS.connections)]
        for thread in threads:
            thread.start()
        try:
            usual = os.getpriority(os.PRIO_PROCESS, 0)
            until(lambda: len([nice for nice in priorities(greedy.user) if nice > usual]) >= 4, "they have to wait")
            found = [connection.execute("SELECT id FROM flight WHERE id = %s", (key,)).fetchone() for key in range(300)]
            assert set(priorities(quick.user)) == {usual}
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
    assert found == [(key,) for key in range(300)]


def priorities(user: str) -> list[int]:
    """The nice values of the PostgreSQL processes of a consumer. A high value waits for a low one."""
    found = []
    for process in psutil.process_iter(["cmdline", "nice"]):
        if f"postgres: {user} " in " ".join(process.info["cmdline"] or ()):
            found.append(process.info["nice"])
    return found


def is_refused(connection: psycopg.Connection[object], statement: str) -> bool:
    try:
        query(connection, statement)
    except psycopg.Error:
        return True
    return False
