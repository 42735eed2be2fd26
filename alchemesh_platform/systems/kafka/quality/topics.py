"""Counts of topics: their newest messages against the published schema, within a budget of messages, bytes and time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from alchemesh_platform.base.units import size_in_words
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_type
from alchemesh_platform.data.values.python_values import column_of
from alchemesh_platform.quality.rows import RowTables
from alchemesh_platform.quality.statement import Counts, Groups, Sum
from alchemesh_platform.quality.tables import Limits, MeasuredPort, Tables
from alchemesh_platform.systems.kafka.client.access import client_options
from alchemesh_platform.systems.kafka.client.cluster import Cluster, refusals
from alchemesh_platform.systems.kafka.quality.message import message_row
from alchemesh_platform.systems.kafka.schema_difference import schema_difference

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

_BATCH = 10_000
_POLL_SECONDS = 1.0
_ANSWER_SECONDS = 15.0
_READING = 0.8  # part of the time for reading; the rest is for counting


def measure(port: MeasuredPort) -> Tables:
    """Measure topics of Kafka."""
    return TopicTables(port)


class TopicTables(RowTables):
    """The newest messages of topics. A message that has no JSON object, or a value of another type, is invalid."""

    typed = False

    def __init__(self, port: MeasuredPort) -> None:
        super().__init__(port)
        self._read: dict[str, _Reading] = {}
        self._seconds = port.limits.patience.total_seconds()

    def counts(self, model: str, sums: Sequence[Sum], groups: Sequence[Groups], seconds: float) -> Counts:
        self._seconds = seconds
        found = super().counts(model, sums, groups, seconds)
        unfit = self._read[model].unfit
        return Counts({each: _with_unfit(each, number, unfit) for each, number in found.sums.items()}, found.groups)

    def value(self, query: str, seconds: float) -> Any:
        self._seconds = seconds
        return super().value(query, seconds)

    def view(self, model: str) -> str:
        if model not in self._read:
            self._read[model] = _reading(self.port, model, self._seconds * _READING)
            self.made(model, self._read[model].rows())
        return f'"{model}"'

    def scope(self, model: str) -> str:
        return self._read[model].scope() if model in self._read else ""


def _with_unfit(wanted: Sum, number: int | None, unfit: Mapping[str, int]) -> int | None:
    """A number with the cells of another type, which the table has as null."""
    cells = unfit.get(wanted.column[0], 0) if len(wanted.column) == 1 else 0
    if wanted.role in ("present", "invalid"):
        return (number or 0) + cells
    return (number or 0) - cells if wanted.role == "null" else number


@dataclass
class _Reading:
    """The newest messages of one topic.

    Args:
        held: The most messages that the topic holds.
        unfit: Property: the number of its values that have another type.
    """

    consumer: Consumer
    parts: Mapping[int, tuple[int, int]]
    topic: str
    properties: Mapping[str, Any]
    limits: Limits
    end: float
    held: int
    unfit: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    size: int = 0
    stopped: str = ""

    def rows(self) -> Rows:
        """The rows of the messages. They are read once."""
        schema = pa.schema([pa.field(name, arrow_type(each)) for name, each in self.properties.items()])
        return Rows(schema, lambda: self._batches(schema))

    def scope(self) -> str:
        """The part of the topic that was read, in words; empty if it was all."""
        if not self.stopped:
            return ""
        read = f"the newest {self.messages:,} of at most {self.held:,} messages, {size_in_words(self.size)}"
        return f"{read}: {self.stopped}"

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        waiting: list[Mapping[str, Any] | None] = []
        try:
            for value in self._values():
                waiting.append(message_row(value, self.properties))
                if len(waiting) == _BATCH:
                    yield self._batch(waiting, schema)
                    waiting = []
            yield self._batch(waiting, schema)
        finally:
            self.consumer.close()

    def _batch(self, found: Sequence[Mapping[str, Any] | None], schema: pa.Schema) -> pa.RecordBatch:
        rows = [row or {} for row in found]
        unreadable = sum(row is None for row in found)
        columns = []
        for name, declared in self.properties.items():
            column, wrong = column_of(rows, name, declared)
            columns.append(column)
            self.unfit[name] = self.unfit.get(name, 0) + len(wrong) + unreadable
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _values(self) -> Iterator[bytes]:
        """The values of the messages, without deletions. It ends where the topic ended when the reading began."""
        from confluent_kafka import KafkaException

        ends = {number: end for number, (start, end) in self.parts.items() if start < end}
        while ends:
            if time.monotonic() > self.end:
                self.stopped = "the time limit is reached"
                return
            for message in self.consumer.consume(min(_BATCH, 1_000), _POLL_SECONDS):
                error, number, offset = message.error(), message.partition() or 0, message.offset() or 0
                if error is not None:
                    if _is_end(error):
                        ends.pop(number, None)
                        continue
                    raise KafkaException(error)
                if number not in ends or offset >= ends[number]:
                    ends.pop(number, None)
                    continue
                if offset + 1 >= ends[number]:
                    ends.pop(number)
                value = message.value()
                if value is None:
                    continue
                self.messages, self.size = self.messages + 1, self.size + len(value)
                if self.size > self.limits.bytes:
                    self.stopped = "the limit of bytes is reached"
                    return
                yield value


def _is_end(error: Any) -> bool:
    from confluent_kafka import KafkaError

    return bool(error.code() == KafkaError._PARTITION_EOF)


def _reading(port: MeasuredPort, model: str, seconds: float) -> _Reading:
    """The start of reading a topic: the newest messages of each partition, in proportion to its size.

    Raises:
        NotReadable: when the published schema is not that of the model.
        KafkaFailed: when the cluster does not answer, or refuses.
    """
    from confluent_kafka import Consumer, TopicPartition

    from alchemesh_platform.systems.kafka.client.topics import describe_topic

    connection, end = port.connection, time.monotonic() + seconds
    access, topic = connection.access, connection.topic(model)
    cluster = Cluster(access)
    _check_schema(cluster, connection, model, topic)
    found = describe_topic(cluster, topic)
    if found is None:
        raise NotReadable(f"there is no topic {topic}")
    options = {"group.id": "alchemesh-quality", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer({**client_options(access, port.environ), **options})
    try:
        with refusals(access, f"read topic {topic}"):
            parts = [TopicPartition(topic, each.id) for each in found.partitions]
            bounds = {part.partition: _bounds(consumer, part) for part in parts}
            held = sum(high - low for low, high in bounds.values())
            chosen = _newest(bounds, port.limits.messages)
            consumer.assign([TopicPartition(topic, number, start) for number, (start, _) in chosen.items()])
    except BaseException:
        consumer.close()
        raise
    made = _Reading(consumer, chosen, topic, port.models[model], port.limits, end, held)
    if held > port.limits.messages:
        made.stopped = f"the limit of {port.limits.messages:,} messages is reached"
    port.note(f"model {model} of {port.name}: reads at most {min(held, port.limits.messages):,} of {held:,} messages")
    return made


def _bounds(consumer: Consumer, part: TopicPartition) -> tuple[int, int]:
    low, high = consumer.get_watermark_offsets(part, _ANSWER_SECONDS)
    return int(low), int(high)


def _newest(bounds: Mapping[int, tuple[int, int]], most: int) -> dict[int, tuple[int, int]]:
    """The offsets of the newest messages, of each partition in proportion to the messages that it holds."""
    held = sum(high - low for low, high in bounds.values())
    if held <= most:
        return dict(bounds)
    return {number: (high - (high - low) * most // held, high) for number, (low, high) in bounds.items()}


def _check_schema(cluster: Cluster, connection: Any, model: str, topic: str) -> None:
    from alchemesh_platform.systems.kafka.client.schemas import published_of

    known = connection.schemas.get(model)
    if known is None or connection.schema_topic is None:
        return
    published = published_of(cluster, connection.schema_topic, topic)
    difference = schema_difference(None if published is None else published.message_schema, known)
    if difference:
        raise NotReadable(f"the published schema of topic {topic} is not that of model {model!r}: {difference}")
