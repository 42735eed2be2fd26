"""Events that go on being told while something is changed, and how long their consumer stood still meanwhile."""

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
    """Departures, as a dispatcher's system tells them."""
    return [
        json.dumps({"flight_id": number, "carrier": "UA", "origin": "EWR", "delay_minutes": number % 60}).encode()
        for number in range(first, first + count)
    ]


@dataclass
class Events:
    """Events told until now."""

    reported: int = 0


@dataclass
class Pauses:
    """Between which moments a consumer group committed nothing.

    Args:
        longest: What was going on: seconds of the longest pause that began or ended in it.
    """

    longest: dict[str, float] = field(default_factory=dict)
    committed: int = 0
    _what: str = ""
    _since: float = field(default_factory=time.monotonic)

    def begin(self, what: str) -> None:
        """Something begins."""
        self._what = what

    def end(self, events: Events) -> None:
        """It is over once an event was committed that was told after it."""
        reported, deadline = events.reported, time.monotonic() + LONGEST
        while self.committed <= reported:
            assert time.monotonic() < deadline, "consumption does not go on"
            time.sleep(LOOK_SECONDS)
        self._what = ""

    def see(self, committed: int) -> None:
        """Take in what is committed now."""
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
    """What a consumer group has committed, looked at all the time until the block ends."""
    pauses, over = Pauses(), threading.Event()
    consumer = Consumer(kafka.client() | {"group.id": group})  # it asks, and joins nothing
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            with suppress(KafkaException):  # the broker is not sure yet who coordinates a group that is new
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
