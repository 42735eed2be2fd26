"""A real server of REST and GraphQL over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from parts.postgresql import PostgresqlServer

# The fast lane reads this file, and has no test that needs a client.
if TYPE_CHECKING:
    import httpx

    from tests.systems.local.http.serving import Serving


@pytest.fixture(scope="session")
def copy(postgresql: PostgresqlServer) -> tuple[str, str]:
    """The addresses of a database with tables: for the server, and for its owner."""
    from tests.systems.local.http.serving import prepare

    return prepare(postgresql)


@pytest.fixture(scope="session")
def data_api(copy: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The server with its default limits."""
    from tests.systems.local.http.serving import running

    with running(tmp_path_factory.mktemp("http"), *copy) as serving:
        yield serving


@pytest.fixture(scope="session")
def small_api(copy: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The server with small limits."""
    from tests.systems.local.http.serving import running

    limits = {
        "statement_seconds": 0.5,
        "rows_max": 1000,
        "answer_bytes_max": 4000,
        "body_bytes_max": 2000,
        "graphql_rows_max": 20,
        "graphql_values_max": 100,
        "consumer_connections_max": 1,
        "wait_seconds": 0.2,
    }
    with running(tmp_path_factory.mktemp("small"), *copy, limits=limits) as serving:
        yield serving


@pytest.fixture
def client(data_api: Serving) -> Iterator[httpx.Client]:
    """A client of the server, as a consumer with a grant."""
    with data_api.client() as client:
        yield client
