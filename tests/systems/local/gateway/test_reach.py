"""Each credential can do what the table of the documentation says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.systems.local.data_api.gateway.credentials import Issued
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import grant_access, revoke_access
from alchemesh_platform.systems.local.data_api.gateway.issue import issue
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, own_credential_file
from tests.attacks.reach import credentials
from tests.systems.local.gateway.answers import answers, connect, grant, query, web
from tests.systems.local.gateway.conftest import OVERWRITTEN

TABLE = credentials()


def revoked(gateway: Gateway) -> Issued:
    credential = grant(gateway, "req-reach-revoked")
    revoke_access(gateway, "req-reach-revoked")
    return credential


def ended(gateway: Gateway) -> Issued:
    return grant(gateway, "req-reach-ended", datetime.now(UTC) - timedelta(seconds=1))


def replaced(gateway: Gateway) -> Issued:
    credential = grant(gateway, "req-reach-replaced")
    issue(gateway, credential.user)
    return credential


def of_another_api(gateway: Gateway) -> Issued:
    """A credential of the same consumer that another gateway issued."""
    user = grant_access(gateway, consumer="ops/punctuality", request="req-reach-other").user
    return Issued(user, "issued-by-another-gateway")


def own(gateway: Gateway) -> Issued:
    file = str(own_credential_file(gateway.run_directory, gateway.process))
    credential = DataApiConnection(credential_file=file).credential
    return Issued(credential.user, credential.password)


HOLDERS: dict[str, Callable[[Gateway], Issued | None]] = {
    "no credential": lambda gateway: None,
    "the credential of a consumer with a grant": lambda gateway: grant(gateway, "req-reach"),
    "the credential of the product itself": own,
    "a credential before the last `access credential`": replaced,
    "a credential whose grant was revoked": revoked,
    "a credential whose grant has ended": ended,
    "the credential of another data API": of_another_api,
}


def test_the_table_has_every_holder() -> None:
    assert TABLE.keys() == HOLDERS.keys()


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_credential_can_do_what_the_documentation_says(
    holder: str, api: DataApi, endpoints: Endpoints, gateway: Gateway
) -> None:
    credential = HOLDERS[holder](gateway)
    other = grant(gateway, "req-reach-victim")
    assert dict(found(endpoints, credential, other, api.run_directory.parent)) == TABLE[holder]


def found(endpoints: Endpoints, credential: Issued | None, other: Issued, folder: Path) -> Iterator[tuple[str, bool]]:
    """Each action of the table, and whether it succeeds."""
    given = answers(endpoints, credential)
    yield "read the tables with SQL", given["sql"] == "granted"
    yield "read the tables with REST", given["rest"] == 200
    yield "read the tables with GraphQL", given["graphql"] == 200
    changes = ("INSERT INTO flight VALUES ('XX9')", "DROP TABLE flight")
    yield "change a row or a table", any(executed(endpoints, credential, change) for change in changes)
    yield "read a file of the machine", executed(endpoints, credential, "SELECT pg_read_file('/etc/passwd')")
    password = credential.password if credential else ""
    as_other = (Issued(other.user, password), other.user), (credential, other.user)
    yield "connect as another consumer", any(connected(endpoints, *attempt) for attempt in as_other)
    files = [str(file) for file in (folder / "flight").glob("*.parquet")]
    assert len(files) == 2, "one of them belongs to a former version"
    attempts = ["SELECT * FROM flight", *(f"SELECT encode(pg_read_binary_file('{file}'), 'escape')" for file in files)]
    read = [rows_of(endpoints, credential, attempt) for attempt in attempts]
    read += [web(f"{endpoints.rest}/tables/flight?{name}=0", credential)[1] for name in ("version", "timestamp")]
    yield "read an overwritten row", any(OVERWRITTEN in rows for rows in read)
    with connect(endpoints, other) as victim:
        query(victim, "SELECT 'a statement of somebody else'")
        seen = [rows_of(endpoints, credential, f"SELECT * FROM pg_{view}") for view in ("stat_activity", "locks")]
        seen.append(rows_of(endpoints, credential, "SELECT * FROM pg_stat_get_activity(NULL)"))
        yield "see the statements of another consumer", any("somebody else" in rows for rows in seen)
        [(pid,)] = query(victim, "SELECT pg_backend_pid()")
        for function in ("pg_cancel_backend", "pg_terminate_backend"):
            executed(endpoints, credential, f"SELECT {function}({pid})")
        try:
            stopped = query(victim, "SELECT pg_backend_pid()") != [(pid,)]
        except psycopg.Error:
            stopped = True
        yield "stop the statements of another consumer", stopped


def rows_of(endpoints: Endpoints, credential: Issued | None, statement: str) -> str:
    """The rows of a statement as text; empty if it is refused."""
    try:
        with connect(endpoints, credential) as connection:
            return str(query(connection, statement))
    except psycopg.Error:
        return ""


def executed(endpoints: Endpoints, credential: Issued | None, statement: str) -> bool:
    """Whether a statement succeeds."""
    try:
        with connect(endpoints, credential) as connection:
            query(connection, statement)
    except psycopg.Error:
        return False
    return True


def connected(endpoints: Endpoints, credential: Issued | None, database: str) -> bool:
    """Whether a connection to a database succeeds."""
    try:
        with connect(endpoints, credential, database) as connection:
            query(connection, "SELECT 1")
    except psycopg.Error:
        return False
    return True
