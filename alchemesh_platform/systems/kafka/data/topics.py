"""Rows as messages of Kafka topics: JSON that follows the published schema of the topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.data.backend import Backend, Source, Target, Written
from alchemesh_platform.data.errors import NotReadable, NotWritable, SchemaMoved
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.data.writing.messages import Numbered, all_checked, headers_of, json_text, key_text, not_sent
from alchemesh_platform.systems.kafka.schema_difference import schema_difference

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Producer

DELIVERY_SECONDS = 120.0
_FULL_QUEUE_SECONDS = 0.5
# https://docs.confluent.io/platform/current/clients/librdkafka/html/md_INTRODUCTION.html#idempotent-producer
_OPTIONS = {"enable.idempotence": True, "linger.ms": 20, "message.timeout.ms": int(DELIVERY_SECONDS * 1000)}


class KafkaMessages(Backend):
    """Topics of Kafka. Rows can only be added, and a run that is repeated sends them again."""

    name = "a topic"
    modes = ("append",)

    def read(self, source: Source) -> Rows:
        raise NotReadable(
            f"port {source.port!r}: a topic has no end, so it is not read as a whole",
            hint="read it with a consumer: `topics.client()` of the port configures one of confluent-kafka",
        )

    def write(self, target: Target, rows: CheckedRows) -> Written:
        from alchemesh_platform.systems.kafka.client.cluster import KafkaFailed

        try:
            return _write(target, rows)
        except KafkaFailed as error:
            raise NotWritable(f"output port {target.port!r}: {error.message}", hint=error.hint) from error


DATA = KafkaMessages()


def _write(target: Target, rows: CheckedRows) -> Written:
    with all_checked(rows) as checked:
        _check_schema(target)
        _send(target, checked)
    return Written(port=target.port, model=target.model, mode=target.mode, rows=rows.count)


def _check_schema(target: Target) -> None:
    """Compare the published schema of the topic with the one that the code runs with.

    Raises:
        SchemaMoved: when another deployment published another one.
    """
    from alchemesh_platform.systems.kafka.client.cluster import Cluster
    from alchemesh_platform.systems.kafka.client.schemas import published_of

    connection = target.connection
    known, topic = connection.schemas.get(target.model), connection.topic(target.model)
    if known is None or connection.schema_topic is None:
        return
    published = published_of(Cluster(connection.access), connection.schema_topic, topic)
    reason = schema_difference(None if published is None else published.message_schema, known)
    if reason:
        raise SchemaMoved(
            f"output port {target.port!r}: the published schema of topic {topic} is not that of model "
            f"{target.model!r}: {reason}",
            hint=remedy("{} publishes the schema of the model; run the code again afterwards", _UP),
        )


_UP = command("up", about_product=True)


def _send(target: Target, rows: Any) -> None:
    """Send all rows, and wait until the brokers have them."""
    from confluent_kafka import Producer

    producer = Producer({**target.connection.client(), **_OPTIONS})
    topic = target.connection.topic(target.model)
    delivery = _Delivery(target)
    for numbered in rows:
        _produce(producer, topic, numbered, delivery)
        producer.poll(0)
    producer.flush(DELIVERY_SECONDS)
    delivery.check()


def _produce(producer: Producer, topic: str, numbered: Numbered, delivery: _Delivery) -> None:
    from confluent_kafka import KafkaException

    number, row = numbered
    key, headers = key_text(delivery.target, row), headers_of(delivery.target, number)
    delivery.given += 1
    while True:
        try:
            producer.produce(
                topic,
                json_text(row).encode(),
                key.encode() if key is not None else None,
                headers={name: value.encode() for name, value in headers.items()},
                on_delivery=lambda error, _message: delivery.of(number, row, error),
            )
            return
        except BufferError:  # the queue is full: let it send
            producer.poll(_FULL_QUEUE_SECONDS)
        except KafkaException as error:  # the client itself refuses it, for example because of its size
            delivery.of(number, row, error.args[0])
            return


class _Delivery:
    """The outcome of each message."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.given = 0
        self.sent = 0
        self.failed: list[tuple[int, dict[str, Any], str]] = []

    def of(self, number: int, row: dict[str, Any], error: KafkaError | None) -> None:
        """Note the delivery of one message, as the client reports it."""
        if error is None:
            self.sent += 1
        else:
            self.failed.append((number, row, str(error.str())))

    def check(self) -> None:
        """Check that the brokers have every message.

        Raises:
            NotWritable: when they have not; names the rows.
        """
        waiting = self.given - self.sent - len(self.failed)
        if self.failed:
            raise not_sent(self.target, "Kafka", self.sent, self.failed)
        if waiting:
            raise NotWritable(
                f"output port {self.target.port!r}: Kafka did not confirm {waiting:,} of {self.given:,} messages in "
                f"{DELIVERY_SECONDS:.0f} s",
                hint="run the code again when the cluster is well; consumers may get messages twice",
            )
