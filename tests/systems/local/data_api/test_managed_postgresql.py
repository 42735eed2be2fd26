"""A serving copy in a PostgreSQL that somebody else runs: the setting `postgresql_server`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import revoke_access
from alchemesh_platform.systems.local.data_api.server import (
    DataApi,
    DataApiFailed,
    deploy_product,
    observe_api,
    take_down,
    unenforced,
)
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.managed import ManagedFailed
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from parts.postgresql import PASSWORD, PostgresqlServer
from tests.systems.local.gateway.answers import connect, grant, query
from tests.waiting import until

pytestmark = pytest.mark.slow

LIMITS = Limits(statement_seconds=2)
UNENFORCED = (
    "consumers can create large objects, and take locks by number",
    "consumers can run blocks of plpgsql",
    "the disk that a statement may use has no limit",
    "memory and fairness between consumers are those of the server",
    "a consumer who reaches the server can sign in without the gateway, with the same rights",
)
SLOW = "SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d"


@pytest.fixture
def url(postgresql: PostgresqlServer, tmp_path: Path) -> Iterator[str]:
    """The address of an administrator with the rights that a cloud gives, and its password in a file."""
    name = f"admin_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as session:
        session.execute(f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}'".encode())
        file = tmp_path / "pgpass"
        file.write_text(f"127.0.0.1:{postgresql.port}:*:{name}:{PASSWORD}\n")
        file.chmod(0o600)
        yield f"postgresql://{name}@127.0.0.1:{postgresql.port}/postgres?passfile={file}"
        session.execute(f"DROP OWNED BY {name}".encode())
        session.execute(f"DROP ROLE {name}".encode())


@pytest.fixture
def api(url: str, tmp_path: Path) -> Iterator[DataApi]:
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA1"], "place": [{"city": "Köln"}]}))
    table = ServedTable("flight", (tmp_path / "flight").as_uri(), "delta", ("id",))
    wanted = DataApi("managed", tmp_path / "run", (table,), ("sql",), limits=LIMITS, postgresql_server=url)
    yield wanted
    take_down(wanted)


def of_the_copy(postgresql: PostgresqlServer) -> set[str]:
    """The databases and roles of serving copies in the server."""
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as session:
        rows = session.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'alchemesh%'"
            " UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'alchemesh%'"
        ).fetchall()
    return {name for (name,) in rows}


def test_a_managed_server_holds_the_copy_with_real_grants(
    api: DataApi, postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    endpoints = deploy_product(api)
    limits = f"the PostgreSQL at 127.0.0.1:{postgresql.port} does not enforce every limit: {'; '.join(UNENFORCED)}"
    assert unenforced(api) == limits
    own = DataApiConnection(**endpoints.offered(), tables=("flight",), credential_file=endpoints.credential_file)
    found = observe_api(own)
    assert found.health == "healthy"
    assert found.reason.endswith(f"; {limits}")
    gateway = Gateway(api.run_directory, api.process)
    credential = grant(gateway, "req-managed")
    with connect(endpoints, credential) as connection:
        assert query(connection, "SELECT id, place FROM flight") == [("UA1", {"city": "Köln"})]
        write_deltalake(tmp_path / "flight", pa.table({"id": ["UA2"], "place": [None]}), mode="append")
        until(lambda: query(connection, "SELECT count(*) FROM flight") == [(2,)], "the added row is served")
        for statement in (
            "INSERT INTO flight VALUES ('XX1')",
            "CREATE TABLE mine (id bigint)",
            "CREATE TEMPORARY TABLE mine (id bigint)",
            "CREATE SCHEMA mine",
            "SELECT * FROM alchemesh.loaded",
            "SELECT pg_read_file('/etc/passwd')",
            f"SET ROLE {gateway.place.names.admin}",
            f"SET ROLE {gateway.place.names.role_of('owner')}",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                query(connection, statement)
        with pytest.raises(psycopg.errors.QueryCanceled):
            query(connection, SLOW)
        query(connection, "SET statement_timeout = 0")
        with pytest.raises(psycopg.OperationalError):
            query(connection, SLOW)
    role = gateway.place.names.role_of(credential.user)
    around = psycopg.conninfo.make_conninfo(
        host="127.0.0.1",
        port=postgresql.port,
        user=role,
        password=credential.password,
        dbname=gateway.place.names.database,
    )
    with psycopg.connect(around, autocommit=True) as direct, pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(direct, "DELETE FROM flight")
    with connect(endpoints, credential) as connection, psycopg.connect(around, autocommit=True) as direct:
        query(connection, "SELECT 1")
        revoke_access(gateway, "req-managed")
        for session in (connection, direct):
            with pytest.raises(psycopg.OperationalError):
                query(session, "SELECT 1")
    assert role not in of_the_copy(postgresql)
    database = gateway.place.names.database
    assert database in of_the_copy(postgresql)
    take_down(api)
    assert {name for name in of_the_copy(postgresql) if name.startswith(database)} == set()


def test_a_copy_moves_between_a_managed_server_and_its_own(api: DataApi, postgresql: PostgresqlServer) -> None:
    gateway = Gateway(api.run_directory, api.process)
    deploy_product(api)
    there = gateway.place.names.database
    endpoints = deploy_product(replace(api, postgresql_server=None))
    assert {name for name in of_the_copy(postgresql) if name.startswith(there)} == set()
    own = DataApiConnection(**endpoints.offered(), credential_file=endpoints.credential_file)
    with psycopg.connect(own.dsn(), autocommit=True) as connection:
        assert query(connection, "SELECT id FROM flight") == [("UA1",)]
    assert gateway.place.cluster.is_dir()
    endpoints = deploy_product(api)
    assert not gateway.place.cluster.exists()
    with psycopg.connect(own.dsn(), autocommit=True) as connection:
        assert query(connection, "SELECT id FROM flight") == [("UA1",)]


def test_what_a_managed_server_cannot_do_is_refused(api: DataApi, url: str, postgresql: PostgresqlServer) -> None:
    with pytest.raises(DataApiFailed, match="rest cannot be served from a managed PostgreSQL") as refused:
        deploy_product(replace(api, protocols=("sql", "rest")))
    assert refused.value.hint == "offer SQL alone at this port, or leave `postgresql_server` out of platform.yaml"
    with pytest.raises(
        ManagedFailed, match=r"the PostgreSQL at 127\.0\.0\.1:1 does not take the serving copy"
    ) as failed:
        deploy_product(replace(api, postgresql_server="postgresql://admin@127.0.0.1:1/postgres"))
    assert failed.value.hint == (
        "correct `postgresql_server` in platform.yaml, or give its user the rights CREATEDB and CREATEROLE"
    )
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as session:
        session.execute(f"ALTER ROLE {url.split('//')[1].split('@', maxsplit=1)[0]} NOCREATEDB".encode())
    with pytest.raises(ManagedFailed, match="permission denied to create database"):
        deploy_product(api)
