"""Events that continue during a change, and the pauses of their consumer meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, TopicPartition

from parts.kafka import Broker

PARTITIONS = 3
AT_ONCE = 20  # events
PAUSE_SECONDS = 0.02
LOOK_SECONDS = 0.02
LONGEST = 120.0


def flights(first: int, count: int) -> list[bytes]:
    """Departures, as a dispatcher's system sends them."""
    return [
        json.dumps({"flight_id": number, "carrier": "UA", "origin": "EWR", "delay_minutes": number % 60}).encode()
        for number in range(first, first + count)
    ]


@dataclass
class Events:
    """Events sent until now."""

    reported: int = 0


@dataclass
class Pauses:
    """The times between which a consumer group committed nothing.

    Args:
        longest: Phase: seconds of the longest pause that began or ended in it.
    """

    longest: dict[str, float] = field(default_factory=dict)
    committed: int = 0
    _what: str = ""
    _since: float = field(default_factory=time.monotonic)

    def begin(self, what: str) -> None:
        """Begin a phase."""
        self._what = what

    def end(self, events: Events) -> None:
        """The phase ends once a later event is committed."""
        reported, deadline = events.reported, time.monotonic() + LONGEST
        while self.committed <= reported:
            assert time.monotonic() < deadline, "consumption does not go on"
            time.sleep(LOOK_SECONDS)
        self._what = ""

    def see(self, committed: int) -> None:
        """Record the current commit."""
        now = time.monotonic()
        if committed > self.committed:
            if self._what:
                self.longest[self._what] = max(self.longest.get(self._what, 0.0), now - self._since)
            self.committed, self._since = committed, now


@contextmanager
def reporting(kafka: Broker, topic: str) -> Iterator[Events]:
    """Events, some hundreds a second, until the block ends."""
    events, over = Events(), threading.Event()

    def report() -> None:
        while not over.wait(PAUSE_SECONDS):
            kafka.produce(topic, flights(events.reported, AT_ONCE))
            events.reported += AT_ONCE

    with _thread(report, over):
        yield events


@contextmanager
def watching(kafka: Broker, topic: str, group: str) -> Iterator[Pauses]:
    """The commits of a consumer group, polled until the block ends."""
    pauses, over = Pauses(), threading.Event()
    consumer = Consumer(kafka.client() | {"group.id": group})  # it queries, and joins no group
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            with suppress(KafkaException):  # the broker has no coordinator yet for a new group
                pauses.see(sum(max(found.offset, 0) for found in consumer.committed(partitions, timeout=30)))

    with _thread(look, over):
        yield pauses
    consumer.close()


@contextmanager
def _thread(act: object, over: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=act, daemon=True)  # type: ignore[arg-type]
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)
