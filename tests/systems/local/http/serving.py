"""The server of REST and GraphQL as a process of its own, over tables of a real PostgreSQL."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from gql.transport.httpx import HTTPXTransport

from parts.postgresql import PASSWORD, PostgresqlServer
from tests.waiting import until

SERVER_ROLE, CONSUMER, OTHER, STRANGER = (
    "alchemesh_http",
    "ops_desk_1f0c9a2b",
    "ops_other_2b3c4d5e",
    "no_grant_3c4d5e6f",
)
TABLES = Path(__file__).with_name("tables.sql")
EVERY = {
    "id": "bigint",
    "text": "text",
    "integer": "bigint",
    "small": "integer",
    "number": "double precision",
    "amount": "numeric(38,10)",
    "price": "numeric(10,2)",
    "flag": "boolean",
    "day": "date",
    "clock": "time without time zone",
    "moment": "timestamp with time zone",
    "local": "timestamp without time zone",
    "bytes": "bytea",
    "object": "jsonb",
    "words": "text[]",
    "numbers": "bigint[]",
    "moments": "timestamp with time zone[]",
    "parts": "jsonb",
    "region": "text",
    "year": "integer",
    "shipped": "date",
}
ITEM = {"id": "bigint", "name": "text", "size": "integer", "seen": "timestamp with time zone"}
LOOSE = {"color": "text", "size": "integer"}
NEVER_NULL = ("id",)


def table(name: str, columns: Mapping[str, str], key: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A table of the server's configuration."""
    described = [{"name": each, "type": type_, "nullable": each not in NEVER_NULL} for each, type_ in columns.items()]
    return {"name": name, "columns": described, "key": list(key), **more}


CONFIGURED = [
    table("every", EVERY, ("id",), description="A row of every type."),
    table("item", ITEM, ("id",)),
    table("loose", LOOSE),
    table("slow", {"id": "bigint", "waited": "text"}, ("id",)),
    table("measured", {"id": "bigint", "value": "double precision"}, ("id",)),
    table("absent", {"id": "bigint"}),
]


def exchanged(connection: socket.socket, request: str) -> bytes:
    """The complete answer to the bytes of a request; nothing if the server closes the connection."""
    answer = b""
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.settimeout(30)
        connection.sendall(request.encode())
        while piece := connection.recv(65536):
            answer += piece
    return answer


@dataclass
class Serving:
    """A running server."""

    socket: Path
    dsn: str
    owner: str
    configuration: dict[str, Any] = field(default_factory=dict)

    def client(self, consumer: str | None = CONSUMER, **more: Any) -> httpx.Client:
        """A client behind the gateway, which names the consumer."""
        headers = {"X-Alchemesh-Consumer": consumer} if consumer else {}
        return httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket)),
            base_url="http://data-api",
            headers=headers,
            timeout=60,
            **more,
        )

    def role(self, consumer: str = CONSUMER) -> str:
        """The role of PostgreSQL that a consumer's statements have."""
        return consumer

    def whole(self) -> tuple[object, ...]:
        """What no request may change."""
        import psycopg

        with psycopg.connect(self.owner, autocommit=True) as owner:
            found = owner.execute("SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM secret)").fetchone()
        assert found is not None
        return found

    def said(self, request: str, headers: str, body: str = "", *, consumer: str = CONSUMER) -> bytes:
        """The complete answer to the bytes of a request; nothing if the server closes the connection."""
        named = f"Host: x\r\nX-Alchemesh-Consumer: {consumer}"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            return exchanged(connection, f"{request}\r\n{named}\r\n{headers}\r\n\r\n{body}")

    def graphql(self, consumer: str = CONSUMER) -> HTTPXTransport:
        """What the client library `gql` sends its requests by."""
        return HTTPXTransport(
            url="http://data-api/api/graphql",
            transport=httpx.HTTPTransport(uds=str(self.socket)),
            headers={"X-Alchemesh-Consumer": consumer},
        )


def prepare(server: PostgresqlServer) -> tuple[str, str]:
    """A database with the tables and roles; returns its address for the server, and for the owner."""
    import psycopg

    database = server.create_database()
    owner = server.url(database)
    with psycopg.connect(owner, autocommit=True) as connection:
        for role in (CONSUMER, OTHER, STRANGER, SERVER_ROLE):
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            if known is None:
                connection.execute(f"CREATE ROLE {role} LOGIN NOINHERIT PASSWORD '{PASSWORD}'")
        connection.execute(f"GRANT {CONSUMER}, {OTHER}, {STRANGER} TO {SERVER_ROLE} WITH INHERIT FALSE, SET TRUE")
        connection.execute(TABLES.read_text().encode())
        connection.execute(f"GRANT SELECT ON every, item, loose, slow, measured TO {CONSUMER}, {OTHER}")
        connection.execute("VACUUM ANALYZE")
    return owner.replace("registrar:", f"{SERVER_ROLE}:"), owner


@contextmanager
def running(folder: Path, dsn: str, owner: str, **more: Any) -> Iterator[Serving]:
    """The server on a Unix socket, as the platform starts it."""
    socket = folder / "web.sock"
    configuration = {
        "dsn": dsn,
        "socket": str(socket),
        "tables": CONFIGURED,
        "title": "shop/orders/sales",
        "version": "1.2.0",
        **more,
    }
    path = folder / "http.json"
    path.write_text(json.dumps(configuration))
    log = (folder / "log").open("w")
    command = [sys.executable, "-m", "alchemesh_platform.systems.local.data_api.http", "--config", str(path)]
    serving = Serving(socket, dsn, owner, configuration)
    with log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process:
        try:
            until(lambda: process.poll() is not None or _answers(serving), "the server answers, or ends")
            assert process.poll() is None, (folder / "log").read_text()
            yield serving
        finally:
            process.terminate()
            process.wait(30)


def _answers(serving: Serving) -> bool:
    try:
        with serving.client(None) as client:
            return client.get("/health").status_code == 200
    except httpx.HTTPError:
        return False
