"""Queries data APIs over their three protocols."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request

import psycopg
from terminal import DemoFailed, Row, alchemesh

from alchemesh_platform.connections import Connections, DataApiConnection

ANSWER_WITHIN_SECONDS = 30
PORTS = {"examples/flights": "flights-table", "examples/punctuality": "punctuality-table"}


def data_api(product: str) -> DataApiConnection:
    """The data API of a product's port."""
    return connections_of(product).output(PORTS[product]).data_api


def connections_of(product: str) -> Connections:
    """The connections of a product, as `alchemesh env` prints them."""
    return Connections.model_validate_json(alchemesh("env", "--json", "-C", product, capture=True, quiet=True))


def ask_sql(api: DataApiConnection, query: str, *parameters: object) -> list[Row]:
    """Query over the PostgreSQL protocol, with a parameter for each ``%s``."""
    if api.sql is None:
        raise DemoFailed("the data API offers no SQL")
    try:
        with psycopg.connect(api.dsn(), row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()
    except psycopg.Error as error:
        raise DemoFailed(f"{api.sql}: {error}") from error


def ask_rest(api: DataApiConnection, table: str, options: dict[str, str]) -> list[Row]:
    """Query rows of a table over REST."""
    return answer(api, f"{api.rest}/tables/{table}?{urllib.parse.urlencode(options)}")


def ask_graphql(api: DataApiConnection, query: str) -> list[Row]:
    """Query over GraphQL: the query is the body."""
    return answer(api, f"{api.graphql}", query)


def answer(api: DataApiConnection, url: str, body: str | None = None) -> list[Row]:
    """The rows of a JSON answer, requested with the credential of the product."""
    headers = {"Accept": "application/json", **api.headers()}
    request = urllib.request.Request(url, body.encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_SECONDS) as response:
            rows: list[Row] = json.load(response)
    except urllib.error.HTTPError as error:
        raise DemoFailed(f"{request.full_url}: {error.read().decode()}") from error
    except OSError as error:
        raise DemoFailed(f"{request.full_url}: {error}") from error
    return rows
