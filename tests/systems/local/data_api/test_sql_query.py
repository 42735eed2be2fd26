"""One query over the PostgreSQL protocol: the result of a server's answer, refusal or silence."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from alchemesh_platform.systems.local.data_api.sql_query import PostgresRefused, simple_query

LOGGED_IN = b"R" + struct.pack("!ii", 8, 0)
READY = b"Z" + struct.pack("!i", 5) + b"I"
DONE = b"C" + struct.pack("!i", 13) + b"SELECT 0\0"
SASL = b"R" + struct.pack("!ii", 23, 10) + b"SCRAM-SHA-256\0\0"


def error(message: str, severity: str = "ERROR") -> bytes:
    body = f"S{severity}\0C42000\0M{message}\0\0".encode()
    return b"E" + struct.pack("!i", len(body) + 4) + body


def ask(*answers: bytes, password: str | None = None, close: bool = True, timeout: float = 10.0) -> None:
    """Ask a server that sends one answer to each message."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                for answer in answers:
                    connection.recv(4096)
                    connection.sendall(answer)
                if not close:
                    asked.wait()

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            port = server.getsockname()[1]
            simple_query("127.0.0.1", port, "SELECT 1", user="somebody", password=password, timeout=timeout)
        finally:
            asked.set()
            serving.join()


def test_an_answer_is_read_to_its_end() -> None:
    ask(LOGGED_IN + READY, DONE + READY)


def test_a_query_that_the_server_refuses_is_reported_with_its_message() -> None:
    with pytest.raises(PostgresRefused, match=r"^no such table$"):
        ask(LOGGED_IN + READY, error("no such table") + READY)


def test_a_login_that_the_server_refuses_is_reported_with_its_message() -> None:
    with pytest.raises(PostgresRefused, match=r"^no such user$"):
        ask(error("no such user", "FATAL"))


def test_a_server_without_the_password_is_refused() -> None:
    first = b"r=elsewhere,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    with pytest.raises(PostgresRefused, match="nonce"):
        ask(SASL, b"R" + struct.pack("!ii", len(first) + 8, 11) + first, password="secret")


def test_a_closed_connection_is_a_connection_error() -> None:
    with pytest.raises(OSError, match="closed the connection"):
        ask(b"")


def test_a_server_that_does_not_answer_is_a_connection_error() -> None:
    with pytest.raises(OSError, match="timed out"):
        ask(b"", close=False, timeout=0.2)


def test_a_port_without_a_listener_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        simple_query("127.0.0.1", port, "SELECT 1", user="somebody", password=None, timeout=10)


def test_a_server_of_another_protocol_is_named() -> None:
    with pytest.raises(PostgresRefused, match="does not speak the PostgreSQL protocol"):
        ask(b"?" + struct.pack("!i", 4))
