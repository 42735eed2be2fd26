"""The endpoints of a data API, as consumers use them."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

import psycopg

from alchemesh_platform.connections import Credential
from alchemesh_platform.systems.local.data_api.gateway.credentials import Issued
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import grant_access
from alchemesh_platform.systems.local.data_api.gateway.issue import issue
from alchemesh_platform.systems.local.data_api.server import Endpoints

REFUSED = {"sql": "refused", "rest": 401, "graphql": 401}
GRANTED = {"sql": "granted", "rest": 200, "graphql": 200}


def web(url: str, credential: Issued | None, body: str | None = None, method: str | None = None) -> tuple[int, str]:
    """Status and text of an answer over HTTP."""
    headers = Credential(credential.user, credential.password).headers() if credential else {}
    request = urllib.request.Request(url, body.encode() if body else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:  # no process listens at the moment
        return 0, str(error)


def connect(endpoints: Endpoints, credential: Issued | None, database: str | None = None) -> psycopg.Connection[Any]:
    who = {"user": credential.user, "password": credential.password} if credential else {"user": "somebody"}
    database = database or who["user"]
    return psycopg.connect(endpoints.sql or "", dbname=database, autocommit=True, connect_timeout=30, **who)


def query(connection: psycopg.Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    cursor = psycopg.ClientCursor(connection).execute(statement)
    return cursor.fetchall() if cursor.description else []


def answers(endpoints: Endpoints, credential: Issued | None) -> dict[str, object]:
    """The answer of each protocol to a credential."""
    try:
        with connect(endpoints, credential) as connection:
            assert query(connection, "SELECT id FROM flight") == [("UA1",)]
            sql = "granted"
    except psycopg.OperationalError:
        sql = "refused"
    return {
        "sql": sql,
        "rest": web(f"{endpoints.rest}/tables/flight", credential)[0],
        "graphql": web(str(endpoints.graphql), credential, "{ flight { id } }")[0],
    }


def grant(gateway: Gateway, request: str, ends_at: datetime | None = None) -> Issued:
    """A consumer with a grant and a credential."""
    return issue(gateway, grant_access(gateway, consumer="ops/punctuality", request=request, ends_at=ends_at).user)
