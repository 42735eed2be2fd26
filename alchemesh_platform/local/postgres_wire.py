"""Asking a server one question over the PostgreSQL protocol, to see that it answers; no driver is needed for that."""

from __future__ import annotations

import socket
import struct

# https://www.postgresql.org/docs/current/protocol-message-formats.html
_PROTOCOL_3 = 196608
_READY = b"Z"
_ERROR = b"E"


class PostgresRefused(Exception):
    """Raised when the server answers with an error; carries what it says."""


def simple_query(host: str, port: int, query: str, *, database: str, timeout: float) -> None:
    """Send a query by the simple protocol and read the answer to its end.

    Raises:
        PostgresRefused: when the server says no.
        OSError: when it does not answer in time, or goes away.
    """
    with socket.create_connection((host, port), timeout=timeout) as connection:
        parameters = b"user\0alchemesh\0database\0" + database.encode() + b"\0\0"
        connection.sendall(struct.pack("!ii", len(parameters) + 8, _PROTOCOL_3) + parameters)
        _read_until_ready(connection)
        text = query.encode() + b"\0"
        connection.sendall(b"Q" + struct.pack("!i", len(text) + 4) + text)
        _read_until_ready(connection)
        connection.sendall(b"X" + struct.pack("!i", 4))


def _read_until_ready(connection: socket.socket) -> None:
    refused: str | None = None
    while True:
        kind = _read(connection, 1)
        (length,) = struct.unpack("!i", _read(connection, 4))
        body = _read(connection, length - 4)
        if kind == _ERROR:
            fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0") if field}
            refused = fields.get(b"M", "an error without a message")
            if fields.get(b"S") == "FATAL":
                raise PostgresRefused(refused)
        if kind == _READY:
            if refused is not None:
                raise PostgresRefused(refused)
            return


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionResetError("the server closed the connection")
        data += piece
    return data
