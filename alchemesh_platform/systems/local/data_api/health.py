"""The health check of a data API, over the protocols that its consumers use."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlsplit

from alchemesh_platform.sdk.connections.base import WrongConnection
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.systems.local.data_api.sql_query import PostgresRefused, simple_query


def first_refusal(connection: DataApiConnection, timeout_seconds: float) -> str | None:
    """The reason of the first protocol on which a data API does not answer; None if all answer.

    The check reads one row of the first table over each protocol. The server loads all tables before it listens.

    Args:
        connection: The offered protocols, and the tables.
        timeout_seconds: Time limit of each query.
    """
    table = connection.tables[0] if connection.tables else None
    try:
        credential = connection.credential if connection.credential_file else None
    except WrongConnection as error:
        return str(error)
    try:
        if connection.sql is not None:
            where = urlsplit(connection.sql)
            query = f'SELECT * FROM "{table}" LIMIT 0' if table else "SELECT 1"  # noqa: S608 - an identifier
            try:
                user, password = (credential.user, credential.password) if credential else ("nobody", None)
                simple_query(
                    where.hostname or "", where.port or 0, query, user=user, password=password, timeout=timeout_seconds
                )
            except (PostgresRefused, OSError) as error:
                return f"SQL: {error}"
        base = connection.rest or (connection.graphql or "").removesuffix("/graphql")
        if base:
            refusal = _web(connection, base, table, credential.headers() if credential else {}, timeout_seconds)
            if refusal is not None:
                return refusal
    except ValueError as error:
        return f"its address is wrong: {error}"
    return None


def _web(
    connection: DataApiConnection, base: str, table: str | None, headers: dict[str, str], timeout_seconds: float
) -> str | None:
    if connection.rest is not None and table is not None:
        refusal, _ = _ask(f"{base}/tables/{quote(table)}?limit=1", None, headers, timeout_seconds)
        if refusal is not None:
            return f"REST: {refusal}"
    if connection.graphql is not None and table is not None:
        refusal, schema = _ask(f"{base}/schema/{quote(table)}", None, headers, timeout_seconds)
        if refusal is not None:
            return f"REST: {refusal}"
        column = next((field["name"] for field in schema["fields"]), None)
        # A folder without files has no columns to query yet.
        if column is not None:
            question = f"{{ {table}(limit: 1) {{ {column} }} }}"
            refusal, _ = _ask(connection.graphql, question.encode(), headers, timeout_seconds)
            if refusal is not None:
                return f"GraphQL: {refusal}"
    return None


def _ask(url: str, body: bytes | None, headers: dict[str, str], timeout_seconds: float) -> tuple[str | None, Any]:
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - an address of our own
    try:
        with urllib.request.urlopen(request, timeout=timeout_seconds) as response:  # noqa: S310
            return None, json.load(response)
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(300).decode(errors='replace').strip() or error.reason}", None
    except urllib.error.URLError as error:
        return str(error.reason), None
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error) or type(error).__name__, None
