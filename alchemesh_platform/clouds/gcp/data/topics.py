"""Rows as messages of Pub/Sub topics: Avro in JSON, which Pub/Sub checks against the schema of the topic."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.clouds.gcp.avro import avro_row
from alchemesh_platform.data.backend import Backend, Source, Target, Written
from alchemesh_platform.data.errors import NotReadable, NotWritable, SchemaMoved
from alchemesh_platform.data.google_client import signed_in
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.data.writing.messages import Numbered, all_checked, headers_of, json_text, key_text, not_sent

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient

DELIVERY_SECONDS = 120.0
IN_FLIGHT_MAX = 10_000
KEY = "alchemesh-key"


class PubsubMessages(Backend):
    """Topics of Pub/Sub. Rows can only be added, and a run that is repeated sends them again."""

    name = "a topic"
    modes = ("append",)

    def read(self, source: Source) -> Rows:
        raise NotReadable(
            f"port {source.port!r}: a topic has no end, so it is not read as a whole",
            hint="read the subscription of your grant with google-cloud-pubsub, or ingest it with `pubsub-ingestion`",
        )

    def write(self, target: Target, rows: CheckedRows) -> Written:
        client = _client(target)
        topic = target.connection.topic(target.model)
        sending = _Sending(target)
        with all_checked(rows) as checked:
            for numbered in checked:
                sending.add(
                    numbered, client.publish(topic, _message(target, numbered), **_attributes(target, numbered))
                )
            sending.end()
        return Written(port=target.port, model=target.model, mode=target.mode, rows=rows.count)


DATA = PubsubMessages()


def _client(target: Target) -> PublisherClient:
    def make() -> PublisherClient:
        from google.cloud.pubsub_v1 import PublisherClient

        return PublisherClient()

    return signed_in("google-cloud-pubsub", make, NotWritable, f"output port {target.port!r}")


def _message(target: Target, numbered: Numbered) -> bytes:
    return json_text(avro_row(numbered[1], target.properties, target.model)).encode()


def _attributes(target: Target, numbered: Numbered) -> dict[str, str]:
    number, row = numbered
    key = key_text(target, row)
    return headers_of(target, number) | ({KEY: key} if key is not None else {})


class _Sending:
    """The messages on their way, and their outcome."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.sent = 0
        self.failed: list[tuple[int, dict[str, Any], str]] = []
        self._waiting: deque[tuple[Numbered, Future[str]]] = deque()
        self._moved = False

    def add(self, numbered: Numbered, future: Future[str]) -> None:
        """Add a message. Waits for earlier ones when many are on their way."""
        self._waiting.append((numbered, future))
        if len(self._waiting) > IN_FLIGHT_MAX:
            self._take()

    def end(self) -> None:
        """Wait until Pub/Sub has every message.

        Raises:
            SchemaMoved: when the topic has a schema that the rows of the model do not fit.
            NotWritable: when Pub/Sub refused messages; names the rows.
        """
        while self._waiting:
            self._take()
        if not self.failed:
            return
        refused = not_sent(self.target, "Pub/Sub", self.sent, self.failed)
        if not self._moved:
            raise refused
        raise SchemaMoved(refused.message, hint=remedy("{} gives the topic the schema of the model", _UP))

    def _take(self) -> None:
        from google.api_core.exceptions import GoogleAPICallError, InvalidArgument

        (number, row), future = self._waiting.popleft()
        try:
            future.result(DELIVERY_SECONDS)
            self.sent += 1
        except InvalidArgument as error:  # a message that does not fit the schema, by the only check there is
            self._moved = True
            self.failed.append((number, row, str(error.message)))
        except (GoogleAPICallError, TimeoutError) as error:
            self.failed.append((number, row, str(getattr(error, "message", None) or "no answer in time")))


_UP = command("up", about_product=True)
