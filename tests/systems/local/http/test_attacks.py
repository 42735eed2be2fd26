"""Attacks: a consumer reads what its role may read, and nothing else."""

from __future__ import annotations

import socket
import stat
import threading
from urllib.parse import quote

import httpx
import psycopg
import pytest

from tests.systems.local.http.serving import CONSUMER, OTHER, SERVER_ROLE, STRANGER, Serving
from tests.waiting import until

pytestmark = pytest.mark.slow

REFUSED_LENGTHS = (b"", b"HTTP/1.1 400", b"HTTP/1.1 414", b"HTTP/1.1 431")
INJECTIONS = (
    "id; DROP TABLE item",
    "id' OR '1'='1",
    'id" FROM item; --',
    "id) UNION SELECT 4711 --",
    "(SELECT id FROM secret)",
    "id$1",
    "$1",
    "%s",
    "id\x00",
    "ctid",
    "xmin",
    "tableoid",
    "item.id",
    "*",
)


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_parameter_is_a_name_or_a_value_and_never_a_statement(data_api: Serving, text: str) -> None:
    before = data_api.whole()
    with data_api.client() as client:
        for parameters in (
            {"columns": text},
            {"sort": text},
            {"sort": f"-{text}"},
            {"limit": text},
            {"offset": text},
            {"cursor": text},
            {"decimals": text},
            {f"filter[{text}]": "1"},
            {f"filter[id]{text}": "1"},
            {"filter[id]": text},
            {"filter[id]in": text},
            {"filter[seen]gt": text},
            {text: "1"},
        ):
            answer = client.get("/api/tables/item", params=parameters)
            assert answer.status_code == 400, (parameters, answer.text)
            assert "4711" not in answer.text.replace(text, "")
        for parameters in ({"filter[name]": text}, {"filter[name]like": text}, {"filter[name]in": text}):
            answer = client.get("/api/tables/item", params=parameters)
            assert (answer.status_code, answer.text) in ((200, "[]"), (400, answer.text)), parameters
        for table in (text, f"item;{text}", f"public.{text}"):
            assert client.get(f"/api/tables/{quote(table, safe='')}").status_code == 404
        query = """
            query($v: String, $c: String) {
              item(filter: {name: {eq: $v}}) { id } item_page(limit: 1, cursor: $c) { next }
            }
        """
        answer = client.post("/api/graphql", json={"query": query, "variables": {"v": text, "c": text}})
        assert answer.status_code == 200
        assert answer.json()["errors"]
        assert "4711" not in answer.text
    assert data_api.whole() == before


@pytest.mark.parametrize(
    "table", ["secret", "pg_catalog.pg_authid", "pg_roles", "..%2fsecret", "item%00", "ITEM", "item/"]
)
def test_a_table_that_is_not_served_is_not_found(client: httpx.Client, table: str) -> None:
    for address in (f"/api/tables/{table}", f"/api/schema/{table}"):
        assert client.get(address).status_code == 404, address
    for path in (
        "/",
        "/api",
        "/docs",
        "/openapi.json",
        "/api/table",
        "/api/kv/x",
        "//api/tables/item",
        "/api/../etc/passwd",
    ):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM secret",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY item TO PROGRAM 'touch /tmp/stolen'",
        "COPY item TO '/tmp/stolen'",
        "SELECT lo_import('/etc/passwd')",
        "INSERT INTO item VALUES (0)",
        "WITH gone AS (DELETE FROM item RETURNING id) SELECT * FROM gone",
        "CREATE TEMPORARY TABLE mine AS SELECT 1",
        "DROP TABLE item",
        "SELECT 1; DROP TABLE item",
        "COMMIT; DROP TABLE item",
        f"SET ROLE {OTHER}",
        f"SET SESSION AUTHORIZATION {OTHER}",
        "RESET ROLE",
        "SET TRANSACTION READ WRITE",
        "DO $$ BEGIN EXECUTE 'DROP TABLE item'; END $$",
        f"SELECT set_config('role', '{OTHER}', false)",
        f"SELECT set_config('role', '{SERVER_ROLE}', false)",
        "SELECT $1::int",
        "",
    ],
)
def test_a_statement_of_a_consumer_reads_its_tables_only(data_api: Serving, statement: str) -> None:
    before = data_api.whole()
    with data_api.client() as client:
        answer = client.post("/api/sql", content=statement)
        assert answer.status_code in (400, 403), answer.text
        assert "4711" not in answer.text
        (row,) = client.post(
            "/api/sql", content="SELECT current_user::text AS me, session_user::text AS session"
        ).json()
        assert row == {"me": data_api.role(), "session": data_api.role()}
    assert data_api.whole() == before


def test_two_columns_of_one_name_are_refused(client: httpx.Client) -> None:
    answer = client.post("/api/sql", content="SELECT 1 AS a, 2 AS a")
    assert answer.json()["detail"] == "two columns of the answer are named 'a': rename one"


@pytest.mark.parametrize(
    "consumers",
    [
        [],
        [""],
        ["none"],
        ["NONE"],
        [CONSUMER, OTHER],
        [f"{CONSUMER}, {OTHER}"],
        [CONSUMER.upper()],
        [f'{CONSUMER}"; SET ROLE registrar'],
        ["a" * 64],
        ["naïve"],
    ],
)
def test_a_request_needs_exactly_one_consumer(data_api: Serving, consumers: list[str]) -> None:
    headers = [(b"X-Alchemesh-Consumer", name.encode()) for name in consumers]
    with data_api.client(None) as client:
        for method, path in (("GET", "/api/tables/item?limit=1"), ("GET", "/api/health"), ("GET", "/api/openapi.json")):
            assert client.request(method, path, headers=headers).status_code == 401
        for path in ("/api/sql", "/api/graphql"):
            assert client.post(path, content="SELECT 1", headers=headers).status_code == 401


@pytest.mark.parametrize("consumer", [STRANGER, SERVER_ROLE, "registrar", "pg_read_all_data", "nobody_at_all"])
def test_a_role_without_a_grant_reads_nothing(data_api: Serving, consumer: str) -> None:
    with data_api.client(consumer) as client:
        for accept in ("application/json", "text/csv", "application/vnd.apache.arrow.stream"):
            for limit in ("", "?limit=1"):
                answer = client.get(f"/api/tables/item{limit}", headers={"Accept": accept})
                assert answer.status_code == 403, answer.text
        graphql = client.post("/api/graphql", json={"query": "{ item(limit: 1) { id } }"})
        assert "item 1" not in graphql.text
        assert graphql.json()["errors"]


def test_a_revoked_grant_ends_with_the_next_request(data_api: Serving) -> None:
    with psycopg.connect(data_api.owner, autocommit=True) as owner, data_api.client(OTHER) as client:
        assert client.get("/api/tables/item?limit=1").status_code == 200
        owner.execute(f"REVOKE SELECT ON item FROM {OTHER}")
        try:
            assert client.get("/api/tables/item?limit=1").status_code == 403
            assert client.get("/api/tables/loose?limit=1").status_code == 200
        finally:
            owner.execute(f"GRANT SELECT ON item TO {OTHER}")
        assert client.get("/api/tables/item?limit=1").status_code == 200


def test_each_request_has_the_role_of_its_own_consumer(data_api: Serving) -> None:
    """Requests share connections: one request once could leave its role to the next."""
    statuses: dict[str, set[int]] = {CONSUMER: set(), STRANGER: set()}

    def read(consumer: str) -> None:
        with data_api.client(consumer) as client:
            for _ in range(20):
                statuses[consumer].add(client.get("/api/tables/item?limit=2").status_code)

    threads = [threading.Thread(target=read, args=(consumer,)) for consumer in (CONSUMER, STRANGER) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {CONSUMER: {200}, STRANGER: {403}}


def test_a_large_request_is_refused_and_the_server_goes_on(data_api: Serving) -> None:
    with data_api.client() as client:
        for path in ("/api/graphql", "/api/sql"):
            answer = client.post(path, content=b"x" * (2 * 1024 * 1024))
            assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        long = f"GET /api/tables/item?columns={'x' * 500_000} HTTP/1.1"
        assert data_api.said(long, "Connection: close")[:12] in REFUSED_LENGTHS
        many = "&".join(f"filter[id]gt={n}" for n in range(60))
        assert client.get(f"/api/tables/item?{many}").json()["detail"] == "filter[id]gt: expected at most 50 filters"
        values = ",".join(map(str, range(1001)))
        assert client.get(f"/api/tables/item?filter[id]in={values}").status_code == 400
        assert client.get("/api/tables/item?limit=1").status_code == 200


def test_a_smuggled_request_is_not_read(data_api: Serving) -> None:
    """Two lengths, or a length and chunks, let a client hide a second request in the body of the first."""
    smuggled = "GET /api/tables/item?limit=1 HTTP/1.1\r\nHost: x\r\nX-Alchemesh-Consumer: ops_other_2b3c4d5e\r\n\r\n"
    for lengths in (
        f"Content-Length: 5\r\nContent-Length: {5 + len(smuggled)}",
        "Content-Length: 5\r\nTransfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
    ):
        answer = data_api.said("POST /api/sql HTTP/1.1", lengths, f"0\r\n\r\n{smuggled}", consumer=STRANGER)
        assert answer.startswith(b"HTTP/1.1 400"), answer
        assert b"item 1" not in answer


def test_the_socket_is_open_to_its_user_only(data_api: Serving) -> None:
    assert stat.S_IMODE(data_api.socket.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("method", "path", "accept", "body"),
    [
        ("GET", "/api/tables/slow?limit=1", "application/json", ""),
        ("GET", "/api/tables/slow", "application/x-ndjson", ""),
        ("GET", "/api/tables/slow", "application/vnd.apache.arrow.stream", ""),
        ("POST", "/api/sql", "application/json", "SELECT pg_sleep(30)"),
        ("POST", "/api/sql", "application/vnd.apache.parquet", "SELECT pg_sleep(30)"),
        ("POST", "/api/graphql", "application/json", "{ slow(limit: 1) { waited } }"),
    ],
)
def test_a_statement_is_cancelled_when_its_client_leaves(
    data_api: Serving, method: str, path: str, accept: str, body: str
) -> None:
    with psycopg.connect(data_api.owner, autocommit=True) as owner:

        def running() -> int:
            found = owner.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
                " AND datname = current_database() AND query ~ 'pg_sleep|slow'"
            ).fetchone()
            assert found is not None
            return int(found[0])

        until(lambda: running() == 0, "earlier statements end")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(data_api.socket))
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Alchemesh-Consumer: {CONSUMER}\r\nAccept: {accept}\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            until(lambda: running() > 0, "the statement runs")
        until(lambda: running() == 0, "the statement is cancelled", seconds=20)
        with data_api.client() as client:
            assert client.get("/api/tables/item?limit=1").status_code == 200
