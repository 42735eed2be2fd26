"""One query to a server that speaks the PostgreSQL protocol."""

from __future__ import annotations

import struct
from typing import Any

_NOT_POSTGRESQL = "it does not speak the PostgreSQL protocol"


class PostgresRefused(Exception):
    """Raised when the server answers with an error. It holds the server's message."""


def simple_query(
    host: str, port: int, query: str, *, user: str, password: str | None, timeout: float
) -> list[dict[str, Any]]:
    """Send a query by the simple protocol and read the complete answer. The database has the user's name.

    Args:
        host: Name or address; or the folder of a Unix socket, as in other clients of PostgreSQL.

    Returns:
        The rows, by the names of their columns.

    Raises:
        PostgresRefused: when the server answers with an error.
        OSError: when it does not answer in time, or closes the connection.
    """
    from pg8000.exceptions import DatabaseError, InterfaceError
    from pg8000.native import Connection
    from scramp import ScramException

    socket = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else None
    try:
        connection = Connection(
            user, host, user, port, password or "", unix_sock=socket, ssl_context=False, timeout=timeout
        )
        try:
            rows = connection.run(query) or ()
            names = [column["name"] for column in connection.columns or ()]
            return [dict(zip(names, row, strict=True)) for row in rows]
        finally:
            connection.close()
    except ScramException as error:
        raise PostgresRefused(str(error)) from error
    except (DatabaseError, InterfaceError) as error:
        raise _refusal(error) from error
    except (KeyError, UnicodeDecodeError, struct.error) as error:
        raise PostgresRefused(_NOT_POSTGRESQL) from error


def _refusal(error: Exception) -> PostgresRefused | OSError:
    """The server's message if it sent one; otherwise the operating system's error that pg8000 wraps.

    A server that refuses a login closes the connection, so pg8000's own closing fails and hides the message.
    """
    from pg8000.exceptions import DatabaseError

    chain: list[BaseException] = [error]
    while (next_one := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(next_one)
    for one in chain:
        if isinstance(one, DatabaseError):
            fields = one.args[0] if one.args else {}
            message = fields.get("M") if isinstance(fields, dict) else fields
            return PostgresRefused(message or "an error without a message")
    for one in chain:
        if isinstance(one, OSError):
            return OSError(*one.args)
    if str(error) == "network error":
        return ConnectionResetError("the server closed the connection")
    return PostgresRefused(str(error))
