"""The gateway passes only requests for offered tables and protocols."""

from __future__ import annotations

import socket
import stat
from dataclasses import replace
from pathlib import Path
from typing import Literal

import httpx
import psutil
import psycopg
import pytest

from alchemesh_platform.connections import Credential, DataApiConnection
from alchemesh_platform.systems.local.data_api import programs
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway, listen, listening
from alchemesh_platform.systems.local.data_api.server import (
    NOT_ENCLOSED,
    DataApi,
    DataApiFailed,
    Endpoints,
    deploy_product,
    is_enclosed,
    observe_api,
    take_down,
)
from tests.machine.supervised import named_below, ports_below
from tests.systems.local.gateway.answers import GRANTED, answers, connect, grant, query, web
from tests.waiting import arguments_of


def test_only_the_ports_of_the_gateway_are_reachable(api: DataApi, endpoints: Endpoints, gateway: Gateway) -> None:
    """From outside only the gateway's two ports are reachable, whatever its processes listen on."""
    with connect(endpoints, grant(gateway, "req-door")) as connection:
        query(connection, "SELECT 1")
        outside = {port for _address, port in ports_below(api.run_directory)}
        servers = [*named_below(api.run_directory, "postgres"), *web_servers(api)]
        assert len(servers) > 1
        assert not {port for server in servers for port in listened_on(server.pid)}
        assert named_below(api.run_directory, "pgbouncer")
        for pooler in named_below(api.run_directory, "pgbouncer"):
            inside = Path(f"/proc/{pooler.pid}/root")
            for hidden in (gateway.place.admin_socket, gateway.place.folder):
                assert list((inside / hidden.relative_to("/")).iterdir()) == [], "the loader has a socket of its own"
    assert outside == {endpoints.http_port, endpoints.postgres_port}
    assert stat.S_IMODE(gateway.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(gateway.sockets.stat().st_mode) == 0o700


def listened_on(pid: int) -> list[int]:
    """Listening ports in the network of a process, proc(5)."""
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return [int(field[1].rpartition(":")[2], 16) for field in fields if field[3] == "0A"]


def web_servers(api: DataApi) -> list[psutil.Process]:
    """The processes of the server of REST and GraphQL that have a network of their own."""
    return [
        process
        for process in named_below(api.run_directory, "python")
        if "alchemesh_platform.systems.local.data_api.http" in arguments_of(process)
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/table"),
        ("GET", "/api/table"),
        ("POST", "/api/tables/flight"),
        ("DELETE", "/api/tables/flight"),
        ("GET", "/api/sql"),
        ("GET", "/"),
        ("GET", "/health"),
        ("POST", "/api/tables/../table"),
        ("POST", "/api//table"),
    ],
)
def test_requests_for_anything_that_is_not_offered_are_refused(
    endpoints: Endpoints, gateway: Gateway, method: str, path: str
) -> None:
    url = f"http://127.0.0.1:{endpoints.http_port}{path}"
    body = '[{"tableName": "secrets", "uri": "/etc/passwd", "option": {"format": "csv"}}]' if method == "POST" else None
    assert web(url, None, body, method)[0] == 401
    assert web(url, grant(gateway, "req-paths"), body, method)[0] == 404


@pytest.mark.parametrize("name", ["X-Alchemesh-Consumer", "x-alchemesh-consumer", "X_Alchemesh_Consumer"])
def test_a_client_cannot_name_another_consumer(endpoints: Endpoints, gateway: Gateway, name: str) -> None:
    """The server behind the gateway takes the consumer from a header, which only the gateway may set."""
    mine, theirs = grant(gateway, "req-mine"), grant(gateway, "req-theirs")
    own = Credential(mine.user, mine.password).headers()
    asked = b"SELECT current_user::text AS reader"
    for headers in ([(name, theirs.user)], [(name, theirs.user), (name, "health")], [(name, "none")]):
        answer = httpx.post(f"{endpoints.rest}/sql", content=asked, headers=[*own.items(), *headers], timeout=60)
        assert answer.json() == [{"reader": mine.user}]
    named = httpx.post(f"{endpoints.rest}/sql", content=asked, headers={name: theirs.user}, timeout=60)
    assert named.status_code == 401


@pytest.mark.parametrize(("protocol", "kept"), [("rest", {"rest"}), ("graphql", {"graphql"}), ("sql", {"sql"})])
def test_only_offered_protocols_are_served(
    api: DataApi, protocol: Literal["sql", "rest", "graphql"], kept: set[str], tmp_path: Path
) -> None:
    only = DataApi("only", tmp_path / "run", api.tables, (protocol,))
    try:
        there = deploy_product(only)
        credential = grant(Gateway(only.run_directory, only.process), "req-only")
        assert set(there.offered()) == kept
        web_door = f"http://127.0.0.1:{there.http_port}/api"
        if protocol == "sql":
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", there.http_port)) != 0
            return
        assert web(f"{web_door}/tables/flight", credential)[0] == (200 if protocol == "rest" else 404)
        assert web(f"{web_door}/sql", credential, "SELECT 1")[0] == (200 if protocol == "rest" else 404)
        assert web(f"{web_door}/graphql", credential, "{ flight { id } }")[0] == (200 if protocol == "graphql" else 404)
    finally:
        take_down(only)


def test_statements_over_rest_cannot_read_or_write_files_of_this_machine(
    api: DataApi, endpoints: Endpoints, gateway: Gateway, tmp_path: Path
) -> None:
    credential = grant(gateway, "req-files")
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    table = Path(api.tables[0].url.removeprefix("file://"))
    before = sorted(table.rglob("*"))

    def say(*statements: str) -> str:
        return str([web(f"{endpoints.rest}/sql", credential, statement)[1] for statement in statements])

    for number, file in enumerate((tmp_path / "secret.csv", Path("/etc/passwd"), gateway.folder / "caddy.json")):
        answer = say(
            f"CREATE EXTERNAL TABLE stolen_{number} (line varchar) STORED AS CSV LOCATION '{file}'",
            f"SELECT * FROM stolen_{number}",
            f"SELECT * FROM '{file}'",
        )
        assert not any(secret in answer for secret in ("hunter2", "root:", "$2a$")), answer
    for target in (tmp_path / "out.csv", Path("/out.csv"), Path("/tables/flight/out.csv"), table / "out.csv"):
        say(f"COPY flight TO '{target}' STORED AS CSV", f"COPY (SELECT 1) TO '{target}' STORED AS CSV")
    say("INSERT INTO flight VALUES ('XX9')", "DELETE FROM flight", "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/'")
    assert not (tmp_path / "out.csv").exists()
    assert sorted(table.rglob("*")) == before
    assert web(f"{endpoints.rest}/sql", credential, "DROP TABLE flight")[0] == 400
    assert answers(endpoints, credential) == GRANTED


# A consumer can change the settings of its own connection, so these are refused by rights and not by a setting.
REFUSED_STATEMENTS = (
    # files and programs of the machine
    "COPY flight TO '/tmp/out.csv'",
    "COPY flight TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('pg_hba.conf')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "CREATE EXTENSION postgres_fdw",
    "CREATE EXTENSION adminpack",
    "LOAD '/tmp/evil.so'",
    # tables, and everything else that others would see
    "INSERT INTO flight VALUES ('XX9')",
    "UPDATE flight SET id = 'XX9'",
    "DELETE FROM flight",
    "TRUNCATE flight",
    "DROP TABLE flight",
    "ALTER TABLE flight RENAME TO gone",
    "SELECT * FROM flight FOR UPDATE",
    "LOCK TABLE flight IN ACCESS EXCLUSIVE MODE",
    "COMMENT ON TABLE flight IS 'mine'",
    "CREATE TABLE mine (id text)",
    "CREATE TEMPORARY TABLE mine (id text)",
    "CREATE VIEW flights AS SELECT 'fake' AS id",
    "CREATE MATERIALIZED VIEW mine AS SELECT 1",
    "CREATE SEQUENCE mine",
    "CREATE SCHEMA mine",
    "CREATE DATABASE mine",
    "CREATE ROLE mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DO $$ BEGIN PERFORM 1; END $$",
    # large objects, and locks by number, which fill the memory that all share
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_creat(-1)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_xact_lock_shared(1)",
    "SELECT pg_logical_emit_message(true, 'x', repeat('x', 1000))",
    # the server, other roles, other consumers
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT query FROM pg_stat_activity",
    "SELECT * FROM alchemesh.loaded",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT pg_switch_wal()",
    "ALTER SYSTEM SET fsync = on",
    "ALTER DATABASE serving SET work_mem = '10GB'",
    "SET ROLE alchemesh",
    "SET SESSION AUTHORIZATION alchemesh",
    "SET ROLE owner",
    "SET temp_file_limit = -1",
    "SET log_statement = 'all'",
    "CHECKPOINT",
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION now()",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "SELECT pg_create_physical_replication_slot('mine')",
)


def test_statements_that_are_not_reading_are_refused(
    api: DataApi, endpoints: Endpoints, gateway: Gateway, tmp_path: Path
) -> None:
    bad, good = grant(gateway, "req-bad"), grant(gateway, "req-good")
    table = Path(api.tables[0].url.removeprefix("file://"))
    before = sorted(table.rglob("*"))
    with connect(endpoints, good) as others, connect(endpoints, bad) as theirs:
        query(theirs, "SET default_transaction_read_only = off")
        for statement in REFUSED_STATEMENTS:
            with pytest.raises(psycopg.Error):
                pytest.fail(f"{statement}: {query(theirs, statement)}")
        # Each of these affects the own connection only. Some servers refuse them.
        for statement in ("SET statement_timeout = 0", "SET work_mem = '2GB'", "LISTEN x", "SET search_path = nowhere"):
            query(theirs, statement)
        ((server_of_others,),) = query(others, "SELECT pg_backend_pid()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(theirs, f"SELECT pg_terminate_backend({server_of_others})")
        assert query(others, "SELECT id FROM flight") == [("UA1",)]
    assert sorted(table.rglob("*")) == before
    assert answers(endpoints, bad) == GRANTED, "the next session starts anew"


def test_without_an_enclosure_a_data_api_needs_permission_and_an_ordinary_user(
    api: DataApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "why_not_sandboxed", lambda: "no namespaces here")
    refused = DataApi("bare", tmp_path / "run", api.tables, ("sql", "rest", "graphql"), owner="aviation/flights/bare")
    with pytest.raises(DataApiFailed, match="needs an enclosure, because the port is not public") as failed:
        deploy_product(refused)
    assert "add aviation/flights/bare to `allow_unenclosed`" in (failed.value.hint or "")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    bare = replace(refused, without_enclosure="allowed")
    with pytest.raises(DataApiFailed, match="PostgreSQL refuses to run as root without an enclosure") as failed:
        deploy_product(bare)
    assert failed.value.hint == "make `bwrap` work, or run as another user"
    monkeypatch.undo()
    try:
        closed = deploy_product(bare)
        assert set(closed.offered()) == {"sql", "rest", "graphql"}
        bare_gateway = Gateway(bare.run_directory, bare.process)
        assert answers(closed, grant(bare_gateway, "req-bare")) == GRANTED
        connection = DataApiConnection(rest=closed.rest, tables=("flight",), credential_file=closed.credential_file)
        assert NOT_ENCLOSED not in observe_api(connection).reason
        where = listening(bare_gateway)
        assert where is not None
        listen(bare_gateway, replace(where, enclosed=False))
        assert NOT_ENCLOSED in observe_api(connection).reason
        assert not is_enclosed(bare_gateway)
        listen(bare_gateway, replace(where, server_port=4711))
        assert not is_enclosed(bare_gateway), "the file of an earlier version"
    finally:
        take_down(bare)


def test_settings_of_drivers_are_accepted(endpoints: Endpoints, gateway: Gateway) -> None:
    credential = grant(gateway, "req-driver")
    options = "-c statement_timeout=5000 -c search_path=public"
    with psycopg.connect(
        endpoints.sql or "",
        user=credential.user,
        password=credential.password,
        dbname=credential.user,
        autocommit=True,
        application_name="a driver",
        client_encoding="utf8",
        options=options,
    ) as connection:
        assert query(connection, "SELECT id FROM flight") == [("UA1",)]
