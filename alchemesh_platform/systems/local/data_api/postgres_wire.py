"""Asking a server one question over the PostgreSQL protocol, to see that it answers; no driver is needed for that."""

from __future__ import annotations

import socket
import struct

from alchemesh_platform.systems.local.data_api.gateway.scram import MECHANISM, ScramClient, ScramFailed

# https://www.postgresql.org/docs/current/protocol-message-formats.html
_PROTOCOL_3 = 196608
_READY = b"Z"
_ERROR = b"E"
_AUTHENTICATION = b"R"
_PASSWORD = b"p"
_OK, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 10, 11, 12


class PostgresRefused(Exception):
    """Raised when the server answers with an error; carries what it says."""


def simple_query(host: str, port: int, query: str, *, user: str, password: str | None, timeout: float) -> None:
    """Send a query by the simple protocol and read the answer to its end. The database is the user's own.

    Args:
        host: Name or address; or, as everywhere with PostgreSQL, the folder of a Unix socket.

    Raises:
        PostgresRefused: when the server says no.
        OSError: when it does not answer in time, or goes away.
    """
    with _connect(host, port, timeout) as connection:
        parameters = b"user\0" + user.encode() + b"\0database\0" + user.encode() + b"\0\0"
        connection.sendall(struct.pack("!ii", len(parameters) + 8, _PROTOCOL_3) + parameters)
        _read_until_ready(connection, password)
        _send(connection, b"Q", query.encode() + b"\0")
        _read_until_ready(connection, None)
        _send(connection, b"X", b"")


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port), timeout=timeout)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(f"{host}/.s.PGSQL.{port}")
    except OSError:
        connection.close()
        raise
    return connection


def _read_until_ready(connection: socket.socket, password: str | None) -> None:
    refused: str | None = None
    scram = ScramClient(password or "")
    while True:
        kind, body = _message(connection)
        if kind == _AUTHENTICATION:
            _authenticate(connection, scram, body)
        if kind == _ERROR:
            fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0") if field}
            refused = fields.get(b"M", "an error without a message")
            if fields.get(b"S") == "FATAL":
                raise PostgresRefused(refused)
        if kind == _READY:
            if refused is not None:
                raise PostgresRefused(refused)
            return


def _authenticate(connection: socket.socket, scram: ScramClient, body: bytes) -> None:
    (step,), said = struct.unpack("!i", body[:4]), body[4:]
    try:
        if step == _SASL:
            first = scram.first().encode()
            _send(connection, _PASSWORD, MECHANISM.encode() + b"\0" + struct.pack("!i", len(first)) + first)
        elif step == _SASL_CONTINUE:
            _send(connection, _PASSWORD, scram.final(said.decode()).encode())
        elif step == _SASL_FINAL:
            scram.check(said.decode())
        elif step != _OK:
            raise PostgresRefused(f"it asks for a way of authentication that is not {MECHANISM}")
    except (ScramFailed, UnicodeDecodeError) as error:
        raise PostgresRefused(str(error)) from error


def _send(connection: socket.socket, kind: bytes, body: bytes) -> None:
    connection.sendall(kind + struct.pack("!i", len(body) + 4) + body)


def _message(connection: socket.socket) -> tuple[bytes, bytes]:
    kind = _read(connection, 1)
    (length,) = struct.unpack("!i", _read(connection, 4))
    return kind, _read(connection, length - 4)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionResetError("the server closed the connection")
        data += piece
    return data
