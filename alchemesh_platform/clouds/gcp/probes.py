"""Probes of ports on Google Cloud, as the account that runs them. Queries name no column, so BigQuery bills no bytes.

The account of a probe needs the rights of a consumer: what a grant of the port gives.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.gcp.emulation.environment import CLOUD_VARIABLE
from alchemesh_platform.clouds.gcp.emulation.servers.servers import VARIABLES
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.emulation.world import BIGQUERY, STORAGE
from alchemesh_platform.clouds.gcp.objects.services import access_token, bigquery_of, storage_of, topic_exists
from alchemesh_platform.registration.protocol import addresses_by_protocol
from alchemesh_platform.sdk.connections.tables import BIGQUERY_SCHEME
from alchemesh_platform.sdk.probes.over_http import graphql_question, rest_question
from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort, Probes, Question

BYTES_MAX = 10 * 1024**2  # the least that BigQuery bills for a table; it refuses a query that needs more
_PROTOCOLS = ("sql", "rest", "graphql")
_OWN_FAULTS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


class TableProbes(Probes):
    """Probes of tables of BigQuery without a proxy."""

    def protocols(self, connection: object) -> tuple[str, ...]:
        return ("bigquery",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        tables = [port.connection.table_id(name) for name in port.models or port.connection.tables]
        return _sql(tables, port.environ)


TABLES = TableProbes()


class DataApiProbes(Probes):
    """Probes of views of BigQuery, and of REST and GraphQL on Cloud Run, with an identity token of the account."""

    def protocols(self, connection: object) -> tuple[str, ...]:
        offered = addresses_by_protocol({name: getattr(connection, name, None) for name in _PROTOCOLS})
        return tuple(name for name in offered if name in _PROTOCOLS)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        api = port.connection
        models = api.tables or port.models
        if not models:
            raise NotProbed("the port has no model to read")
        if protocol == "sql":
            project, dataset = str(api.sql).removeprefix(BIGQUERY_SCHEME).split("/")
            return _sql([f"{project}.{dataset}.{models[0]}"], port.environ)
        address = str(api.rest if protocol == "rest" else api.graphql)
        headers = _identity(address, port.environ)
        return (rest_question if protocol == "rest" else graphql_question)(address, models[0], headers)


DATA_APIS = DataApiProbes()


class BucketProbes(Probes):
    """Probes of buckets without a proxy: their objects can be listed."""

    def protocols(self, connection: object) -> tuple[str, ...]:
        return ("files",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        bucket = urlsplit(port.connection.url).netloc
        _sign_in(port.environ, VARIABLES[STORAGE])
        storage = storage_of(port.environ)

        def ask(_seconds: float) -> None:
            with _judged():
                next(iter(storage.listed(bucket, maxResults="1")), None)

        return ask


BUCKETS = BucketProbes()


class TopicProbes(Probes):
    """Probes of topics of Pub/Sub: each one exists. Reading a message would take it from a consumer."""

    def protocols(self, connection: object) -> tuple[str, ...]:
        return ("pubsub",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        _sign_in(port.environ, CLOUD_VARIABLE)
        topics = tuple(port.connection.topics.values())

        def ask(_seconds: float) -> None:
            with _judged():
                gone = [name for name in topics if not topic_exists(name, port.environ)]
            if gone:
                raise NoAnswer(f"there is no topic {gone[0]}")

        return ask


TOPICS = TopicProbes()


def _sql(tables: list[str], environ: Mapping[str, str]) -> Question:
    _sign_in(environ, VARIABLES[BIGQUERY])
    service = bigquery_of(environ)

    def ask(seconds: float) -> None:
        end = time.monotonic() + seconds
        for table in tables:
            query = f"SELECT 1 FROM `{table}` LIMIT 1"  # noqa: S608 - the recorded name of the table
            with _judged():
                service.bounded(
                    table.partition(".")[0],
                    query,
                    None,
                    max_bytes=BYTES_MAX,
                    seconds=lambda: end - time.monotonic(),
                    rows=1,
                )

    return ask


def _sign_in(environ: Mapping[str, str], emulator: str) -> None:
    """Get a token before the clock starts. An emulator needs none."""
    if environ.get(emulator):
        return
    try:
        access_token()
    except Failure as error:
        raise NotProbed(str(error.message)) from error


def _identity(address: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The header with an identity token for a service. The emulated Cloud Run is asked without one."""
    if environ.get(CLOUD_VARIABLE):
        return {}
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
        from google.oauth2 import id_token
    except ImportError as error:
        raise NotProbed("google-auth is not installed") from error
    parts = urlsplit(address)
    fetch: Any = id_token.fetch_id_token
    try:
        token = fetch(Request(), f"{parts.scheme}://{parts.netloc}")
    except (GoogleAuthError, OSError) as error:
        raise NotProbed(f"no identity token for the probe: {error}".splitlines()[0]) from error
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def _judged() -> Iterator[None]:
    """Turn a refusal of a service into the outcome of a probe."""
    try:
        yield
    except Refused as error:
        if error.status in _OWN_FAULTS:
            raise NotProbed(f"the probe's own account is refused: {error.text}") from error
        raise NoAnswer(error.text) from error
    except TimeoutError:
        raise NoAnswer("no answer in time") from None
