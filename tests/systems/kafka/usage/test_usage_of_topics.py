"""Messages that the consumer groups of consumers have committed at a real broker are counted once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Consumer as Client

from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.system.usage import MeteredPort, NotHere, Slots, UsageReading
from alchemesh_platform.systems.kafka.connections import TopicConnection
from alchemesh_platform.systems.kafka.usage import METERING
from parts.kafka import Broker
from tests.systems.kafka.clients import access
from tests.systems.kafka.conftest import PASSWORD
from tests.waiting import until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def port(kafka: Broker, topic: str, domain: str) -> MeteredPort:
    connection = TopicConnection(
        broker="kafka", servers=(kafka.bootstrap,), topics={"flight": topic}, security=access(kafka)["security"]
    )
    consumers = (
        Consumer("req-now", "data_product", f"{domain}/punctuality", product=f"{domain}/punctuality"),
        Consumer("req-team", "technical_team", f"{domain}/ops", users=("ada@x.example",), teams=(f"{domain}/ops",)),
        Consumer("req-old", "data_product", f"{domain}/punctuality", product=f"{domain}/punctuality"),
    )
    return MeteredPort(address="aviation/flights/events", connection=connection, consumers=consumers)


@contextmanager
def reading(kafka: Broker, topic: str, group: str) -> Iterator[Client]:
    client = Client({**kafka.client(), "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    client.subscribe([topic])
    try:
        yield client
    finally:
        client.close()


def read(client: Client, number: int) -> None:
    """Read messages, and commit them."""
    found: list[Any] = []

    def enough() -> bool:
        message = client.poll(0.2)
        if message is not None and message.error() is None:
            found.append(message)
        return len(found) >= number

    until(enough, f"{number} messages are read")
    client.commit(asynchronous=False)


def counted(done: UsageReading) -> dict[str, tuple[Any, ...]]:
    return {
        each.user: (each.consumer, each.request, each.requests, each.billable_requests, each.rows, each.own)
        for each in done.counts
    }


@pytest.mark.slow
def test_messages_are_counted_by_the_consumer_of_their_group_once(kafka: Broker) -> None:
    topic, domain = f"used-{uuid.uuid4().hex[:8]}", f"d{uuid.uuid4().hex[:8]}"
    kafka.create_topic(topic)
    kafka.produce(topic, [b"{}"] * 5)
    (source,) = METERING.sources_of(port(kafka, topic, domain))
    of_product, of_ada, foreign = f"{domain}.punctuality.daily", f"{domain}.ops.ada", f"else-{domain}"
    with reading(kafka, topic, of_product) as one:
        read(one, 2)
        first = source.read(None, Slots(), NOON)
        assert first.counts == ()
        read(one, 3)
        second = source.read(first.position, Slots(), NOON)
        again = source.read(second.position, Slots(), NOON)
    assert counted(second) == {of_product: (f"{domain}/punctuality", "req-now", 3, 3, 3, False)}
    assert (second.gaps, again.counts) == ((), ())

    kafka.produce(topic, [b"{}"] * 4)
    for group in (of_ada, foreign, f"probe-{domain}"):
        with reading(kafka, topic, group) as one:
            read(one, 9)
    third = source.read(again.position, Slots(), NOON)
    assert counted(third) == {
        of_ada: (f"{domain}/ops", "req-team", 4, 4, 4, False),
        foreign: ("", None, 4, 0, 4, False),
        f"probe-{domain}": ("", None, 4, 0, 4, True),
    }
    assert {gap.reason for gap in third.gaps} == {
        f"consumer group {group} is new: what it read of earlier messages is unknown" for group in counted(third)
    }
    with reading(kafka, topic, of_product) as one:
        read(one, 4)
    assert counted(source.read(third.position, Slots(), NOON)) == {
        of_product: (f"{domain}/punctuality", "req-now", 4, 4, 4, False)
    }


def test_a_machine_without_the_password_leaves_the_usage_to_others(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    metered = port(kafka, "topic", "ops")
    monkeypatch.delenv(PASSWORD)
    with pytest.raises(NotHere) as elsewhere:
        METERING.sources_of(metered)
    assert str(elsewhere.value) == "its cluster cannot be read from here: secret KAFKA_PASSWORD has no value here"
