"""The process that lands a topic until it is stopped.

The supervisor runs ``python -m alchemesh_platform.systems.kafka.landing.consume ORDER``.

Offsets are committed only when a batch is safe on the disk. After a kill at any time, the next run resumes at the end
of the folder and skips landed messages without a commit. A topic that is deleted and created again is a new topic, read
from its beginning: its offsets start again at zero, where librdkafka would continue at the old ones.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.secrets import Masker, values_behind
from alchemesh_platform.systems.kafka.client.access import client_options
from alchemesh_platform.systems.kafka.client.cluster import CONNECT_SECONDS, Cluster, KafkaFailed
from alchemesh_platform.systems.kafka.client.topics import describe_topic
from alchemesh_platform.systems.kafka.landing.batch import Message, short_id
from alchemesh_platform.systems.kafka.landing.ingestion import STATUS_SECONDS, Order, Status, read_status, write_status
from alchemesh_platform.systems.kafka.landing.landing import MessageRefused, adopt, land, next_offset, sweep
from alchemesh_platform.systems.kafka.landing.refit import SchemaRefused, refit

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, TopicPartition

POLL_SECONDS = 0.2
READ_AT_ONCE = 500
WATERMARK_SECONDS = 5.0
TOPIC_SECONDS = 10.0  # between two checks whether the topic was replaced
TOPIC_ANSWER_SECONDS = 2.0
RETRY_SECONDS = 2.0


class Landing:
    """One running consumer."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.target = Path(order.target)
        # Messages of the cluster's library go into the log and the status, which others may read.
        self.masker = Masker(values_behind(order.model_dump(mode="json")))
        self.stopping = False
        self.waiting: dict[int, list[Message]] = {}
        self.since: dict[int, float] = {}
        self.ends: dict[int, int] = {}  # by partition: the first offset that is not landed yet
        before = read_status(self.target)
        self.status = Status(
            pid=os.getpid(),
            rows=before.rows,
            dead=before.dead,
            dead_reason=before.dead_reason,
            last_file=before.last_file,
            landed=before.landed,
        )
        self.topic_id = ""
        self.looked = 0.0
        self.recreated = False  # whether the topic was replaced by another of the same name
        self.blocked = False  # whether a message or the landed files do not fit, until the port is declared otherwise
        self.uncommitted = False  # whether the new topic is being read, so that committed offsets belong to the old one

    def run(self) -> None:
        """Read and land until stopped."""
        sweep(self.target)
        adopt(self.target)
        try:
            refit(self.target, self.order.rules)
        except SchemaRefused as refused:
            self._block(refused)
        while not self.stopping:
            if self.blocked:
                self.report()
                self._pause()
                continue
            try:
                self.topic_id = self._find_topic()
            except Failure as failure:  # the cluster is down or refuses: try again until it is fixed
                self.report(error=failure.message)
                self._pause()
                continue
            self.uncommitted, self.recreated = self.recreated, False
            self._read(self._open())

    def _read(self, consumer: Consumer) -> None:
        """Read and land until stopped, or until the topic is replaced."""
        self.looked = time.monotonic()
        try:
            while not self.stopping and not self.recreated and not self.blocked:
                self._step(consumer)
                if time.monotonic() - self.looked > TOPIC_SECONDS:
                    self._look()
            if not self.blocked:
                self._land_all(consumer)
        finally:
            consumer.close()

    def report(self, **news: Any) -> None:
        """Write the status, without secrets."""
        if (error := news.get("error")) is not None:
            news["error"] = self.masker.mask(error)
        self.status = self.status.model_copy(update={**news, "reported": time.time()})
        write_status(self.target, self.status)

    def _block(self, failure: Failure) -> None:
        """Stop reading and keep the messages: a restart with another declaration resumes at the same place."""
        self.blocked = True
        self.waiting.clear()
        self.since.clear()
        self.report(error=failure.message, hint=failure.hint, blocked=True)

    def _look(self) -> None:
        """Check whether the topic was replaced. If the cluster gives no id, it counts as the same."""
        with suppress(Failure):
            self.recreated = self._find_topic(TOPIC_ANSWER_SECONDS) != self.topic_id
        self.looked = time.monotonic()

    def _find_topic(self, seconds: float = CONNECT_SECONDS) -> str:
        found = describe_topic(Cluster(self.order.kafka, seconds=seconds), self.order.topic)
        if found is None:
            raise KafkaFailed(f"there is no topic {self.order.topic}")
        return short_id(str(found.topic_id))

    def _open(self) -> Consumer:
        from confluent_kafka import Consumer

        options = {
            "group.id": self.order.group,
            # A new consumer with the same name replaces a killed one at once, without waiting for its session to end.
            "group.instance.id": self.order.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "range",
            "error_cb": self._on_error,
        }
        consumer = Consumer({**client_options(self.order.kafka), **options})
        consumer.subscribe(
            [self.order.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        return consumer

    def _step(self, consumer: Consumer) -> None:
        for message in consumer.consume(READ_AT_ONCE, POLL_SECONDS):
            error = message.error()
            if error is not None:
                self.report(error=f"topic {self.order.topic}: {error.str()}", denied=error.code() in _denials())
                continue
            partition, offset = message.partition(), message.offset()
            assert partition is not None and offset is not None  # noqa: S101 it came from somewhere
            if offset < self._expected(partition):
                self._look()
                if self.recreated:
                    return  # the message is read again, as a message of the new topic
                if partition in self.waiting:
                    self._land(consumer, partition)
            kind, stamp = message.timestamp()
            self.since.setdefault(partition, time.monotonic())
            self.waiting.setdefault(partition, []).append(
                Message(offset, message.value(), message.key(), stamp if kind else None)
            )
        for partition, messages in list(self.waiting.items()):
            if self.blocked:
                return
            waited = time.monotonic() - self.since[partition]
            if len(messages) >= self.order.batch_messages or waited >= self.order.batch_seconds:
                self._land(consumer, partition)
        if time.time() - self.status.reported > STATUS_SECONDS:
            self.report(lag=self._lag(consumer))

    def _expected(self, partition: int) -> int:
        """The lowest possible next offset."""
        waiting = self.waiting.get(partition)
        return waiting[-1].offset + 1 if waiting else self.ends.get(partition, 0)

    def _land(self, consumer: Consumer, partition: int) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        messages = self.waiting[partition]
        try:
            file, done = land(self.target, self.order.topic, self.topic_id, partition, messages, self.order.rules)
        except MessageRefused as refused:  # the folder records the messages before it
            self.report(rows=self.status.rows + len(refused.landed.rows))
            self._block(refused)
            return
        del self.waiting[partition], self.since[partition]
        news: dict[str, Any] = {"rows": self.status.rows + len(done.rows), "dead": self.status.dead + len(done.dead)}
        if done.dead:
            news["dead_reason"] = json.loads(done.dead[-1])["why"]
        if file is not None:
            self.ends[partition] = messages[-1].offset + 1
            news |= {"last_file": file.name, "landed": time.time()}
        if self.recreated:  # offsets of the deleted topic do not apply to the new one
            self.report(**news)
            return
        try:
            consumer.commit(
                offsets=[TopicPartition(self.order.topic, partition, messages[-1].offset + 1)], asynchronous=False
            )
            news |= {"error": None, "denied": False}
        except KafkaException as error:  # the broker is unreachable; the folder records the progress
            news["error"] = f"offsets of {self.order.topic} are not committed yet: {error.args[0].str()}"
        self.report(**news)

    def _land_all(self, consumer: Consumer) -> None:
        for partition in list(self.waiting):
            if not self.blocked:
                self._land(consumer, partition)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Start at the end of the folder, if it is beyond the committed offset."""
        from confluent_kafka import OFFSET_BEGINNING

        committed = {part.partition: part.offset for part in consumer.committed(partitions, timeout=WATERMARK_SECONDS)}
        for part in partitions:
            landed = next_offset(self.target, self.order.topic, self.topic_id, part.partition)
            self.ends[part.partition] = landed or 0
            if self.uncommitted:
                part.offset = OFFSET_BEGINNING if landed is None else landed
            elif landed is not None and landed > committed.get(part.partition, -1):
                part.offset = landed
        self.uncommitted = False
        consumer.assign(partitions)
        self.report(consuming=bool(partitions), error=None, denied=False)

    def _on_revoke(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self._land_all(consumer)

    def _on_lost(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self.waiting.clear()  # another consumer reads them now
        self.since.clear()

    def _on_error(self, error: KafkaError) -> None:
        self.report(error=f"{self.order.kafka.servers}: {error.str()}", lag=None)

    def _lag(self, consumer: Consumer) -> int | None:
        from confluent_kafka import KafkaException

        try:
            behind = 0
            for part in consumer.position(consumer.assignment()):
                _low, high = consumer.get_watermark_offsets(part, timeout=WATERMARK_SECONDS)
                behind += high - part.offset if part.offset >= 0 else high
        except KafkaException:
            return None
        return behind + sum(map(len, self.waiting.values()))

    def _pause(self) -> None:
        until = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < until and not self.stopping:
            time.sleep(0.1)


def _denials() -> tuple[int, ...]:
    from confluent_kafka import KafkaError

    return KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED


def main(arguments: list[str]) -> int:
    """Land the topic of an order. Returns 0 when stopped."""
    order = Order.model_validate_json(Path(arguments[0]).read_bytes())
    landing = Landing(order)

    def stop(_number: int, _frame: object) -> None:
        landing.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        landing.run()
    except Failure as failure:
        landing.report(error=failure.message)
        print(landing.masker.mask(failure.message), file=sys.stderr)  # noqa: T201 it is the process's log
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
