"""Probes of ports on AWS, as the role that runs them. It needs the rights that a grant of the port gives a consumer.

A query of Athena with a limit of one row reads little, and the workgroup of the port limits its bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.aws.client import place_of
from alchemesh_platform.clouds.aws.services import Refused, SignInFailed, answered, service_of
from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort, Probes, Question

PAUSE_SECONDS = 0.2
RUNNING = frozenset({"QUEUED", "RUNNING"})


class BucketProbes(Probes):
    """Probes of buckets without a proxy: their objects can be listed."""

    def protocols(self, connection: object) -> tuple[str, ...]:
        return ("files",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        return _listing(port, [port.connection.url])


class TableProbes(Probes):
    """Probes of tables without a proxy: their files can be listed."""

    def protocols(self, connection: object) -> tuple[str, ...]:
        return ("files",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        return _listing(port, [port.connection.tables[name] for name in port.models or port.connection.tables])


class StreamProbes(Probes):
    """Probes of streams of Kinesis: each one is there and active."""

    def protocols(self, connection: object) -> tuple[str, ...]:
        return ("kinesis",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        kinesis = _client("kinesis", port)
        names = tuple(port.connection.topics.values())

        def ask(_seconds: float) -> None:
            with _judged():
                for name in names:
                    found = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
                    if found["StreamStatus"] not in {"ACTIVE", "UPDATING"}:
                        raise NoAnswer(f"stream {name} is {found['StreamStatus'].lower()}")

        return ask


class AthenaProbes(Probes):
    """Probes of SQL by Athena: a query of one row of each model, in the workgroup of the port."""

    def protocols(self, connection: object) -> tuple[str, ...]:
        return ("sql",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        models = port.connection.tables or port.models
        if not models:
            raise NotProbed("the port has no model to read")
        address = urlsplit(str(port.connection.sql))
        database, group = address.path.strip("/"), parse_qs(address.query)["workgroup"][0]
        athena = _client("athena", port)

        def ask(seconds: float) -> None:
            end = time.monotonic() + seconds
            for model in models:
                statement = f'SELECT 1 FROM "{database}"."{model}" LIMIT 1'  # noqa: S608 - recorded names
                with _judged():
                    _query(athena, statement, database, group, lambda: end - time.monotonic())

        return ask


BUCKETS, TABLES, STREAMS, ATHENA = BucketProbes(), TableProbes(), StreamProbes(), AthenaProbes()


def _listing(port: ProbedPort, urls: list[str]) -> Question:
    s3 = _client("s3", port)
    places = [place_of(url) for url in urls]

    def ask(_seconds: float) -> None:
        with _judged():
            for place in places:
                s3.list_objects_v2(Bucket=place.bucket, Prefix=place.folder, MaxKeys=1)

    return ask


def _query(athena: Any, statement: str, database: str, group: str, left: Callable[[], float]) -> None:
    started = athena.start_query_execution(
        QueryString=statement, QueryExecutionContext={"Database": database}, WorkGroup=group
    )["QueryExecutionId"]
    while (status := athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"])[
        "State"
    ] in RUNNING:
        if left() <= 0:
            athena.stop_query_execution(QueryExecutionId=started)
            raise NoAnswer("no answer in time")
        time.sleep(PAUSE_SECONDS)
    if status["State"] != "SUCCEEDED":
        raise NoAnswer(str(status.get("StateChangeReason") or status["State"].lower()))


def _client(service: str, port: ProbedPort) -> Any:
    try:
        return service_of(service, port.environ)
    except Failure as error:
        raise NotProbed(error.message) from error


@contextmanager
def _judged() -> Iterator[None]:
    """Turn an answer of a service into the outcome of a probe."""
    try:
        with answered("the port"):
            yield
    except (Refused, SignInFailed) as error:
        raise NotProbed(f"the probe's own credentials are refused: {error.message}") from error
    except Failure as error:
        raise NoAnswer(error.message) from error
