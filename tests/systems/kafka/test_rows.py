"""Rows of a model as messages of a real topic: checked before the first is sent, and refused ones are named."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from alchemesh_platform.connections import (
    CONNECTIONS_VARIABLE,
    NotReadable,
    NotWritable,
    OutputPort,
    RowsRefused,
    SchemaMoved,
    connections,
)
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.client.schemas import Published, publish
from alchemesh_platform.systems.kafka.client.topics import Topic, create_topic
from alchemesh_platform.systems.kafka.model_schema import model_schema
from parts.kafka import Broker
from tests.systems.kafka.clients import access
from tests.systems.kafka.conftest import PASSWORD

SCHEMAS = "rows.schemas"
SALE: dict[str, dict[str, Any]] = {
    "sale_id": {"type": "string", "key": True, "required": True},
    "day": {"type": "date", "key": True, "required": True},
    "amount": {"type": "number", "precision": 20, "scale": 2},
    "weight": {"type": "number"},
    "sold_at": {"type": "timestamp"},
    "clock": {"type": "time"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "note": {"type": "string"},
}
ATLAS: dict[str, Any] = {
    "sale_id": 'é"1',
    "day": date(2024, 2, 29),
    "amount": Decimal("900719925474099300.10"),
    "weight": 0.1,
    "sold_at": datetime(2024, 5, 1, 8, 30, 0, 123456, tzinfo=UTC),
    "clock": "13:45:00",
    "tags": ["old"],
    "note": None,
}
EMPTY = {**dict.fromkeys(SALE), "sale_id": "2", "day": date(2024, 3, 1)}


@dataclass(frozen=True)
class Shop:
    """A topic with the published schema of the model, and the port whose code writes to it."""

    kafka: Broker
    topic: str
    cluster: Cluster
    document: str

    @property
    def port(self) -> OutputPort:
        return connections({CONNECTIONS_VARIABLE: self.document}).output("shop")

    def publish(self, properties: dict[str, dict[str, Any]]) -> None:
        schema = model_schema("sale", SemanticModel.model_validate({"properties": properties}))
        owner = "retail/orders/shop/sale"
        published = Published.model_validate(
            {"owner": owner, "environment": "local", "model": "sale", "schema": schema}
        )
        publish(self.cluster, SCHEMAS, self.topic, published, replication=1)

    def messages(self) -> list[Any]:
        """All messages of the topic."""
        consumer = Consumer({**self.kafka.client(), "group.id": "rows", "enable.auto.commit": False})
        try:
            _low, high = consumer.get_watermark_offsets(TopicPartition(self.topic, 0))
            consumer.assign([TopicPartition(self.topic, 0, 0)])
            found: list[Any] = []
            while len(found) < high:
                found += consumer.consume(high - len(found), 1)
            return found
        finally:
            consumer.close()


@pytest.fixture
def shop(kafka: Broker, request: pytest.FixtureRequest) -> Shop:
    topic = f"rows.{request.node.name}"[:200].replace("[", ".").replace("]", "")
    known = access(kafka)
    cluster = Cluster(KafkaAccess.model_validate(known))
    create_topic(cluster, Topic(topic, 1, 1))
    schema = model_schema("sale", SemanticModel.model_validate({"properties": SALE}))
    storage = {
        "kind": "topic",
        "broker": "kafka",
        "servers": known["bootstrap_servers"],
        "security": known["security"],
        "topics": {"sale": topic},
        "schemas": {"sale": schema},
        "schema_topic": SCHEMAS,
    }
    document = {
        "product": "retail/orders",
        "environment": "local",
        "outputs": {"shop": {"storage": storage}},
        "schemas": {"shop": {"models": {"sale": SALE}}},
    }
    made = Shop(kafka, topic, cluster, json.dumps(document))
    made.publish(SALE)
    return made


def test_a_row_is_one_message_with_its_key_its_run_and_every_digit(shop: Shop) -> None:
    assert shop.port.write("sale", [ATLAS, EMPTY], run="monday").rows == 2
    first, second = shop.messages()
    assert first.value().decode() == (
        '{"sale_id":"é\\"1","day":"2024-02-29","amount":900719925474099300.10,"weight":0.1,'
        '"sold_at":"2024-05-01T08:30:00.123456Z","clock":"13:45:00","tags":["old"],"note":null}'
    )
    assert first.key().decode() == '["é\\"1","2024-02-29"]'
    assert {name: value.decode() for name, value in second.headers()} == {
        "alchemesh-run": "monday",
        "alchemesh-write": "alchemesh:retail/orders/shop/sale:monday",
        "alchemesh-row": "2",
    }


def test_no_row_is_sent_unless_all_rows_fit(shop: Shop) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield ATLAS
        raise RuntimeError("the code stops here")

    with pytest.raises(RuntimeError, match="the code stops here"):
        shop.port.write("sale", broken())
    for row, reason in (
        (ATLAS, "sale_id, day: another row in the written rows has the same sale_id and day"),
        ({**EMPTY, "weight": float("nan")}, "weight: found nan, and JSON has no such number"),
        ({**EMPTY, "tags": [None]}, "tags[]: found null in an array, and the schema of the messages allows none"),
    ):
        with pytest.raises(RowsRefused) as refused:
            shop.port.write("sale", [ATLAS, row])
        assert str(refused.value).splitlines()[1].partition("): ")[2] == reason
    assert shop.messages() == []


def test_a_writer_that_is_killed_before_its_last_row_has_sent_nothing(shop: Shop) -> None:
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    writer = spawn.Process(target=_write_half, args=(theirs, shop.document, shop.kafka.password))
    writer.start()
    theirs.close()
    assert ours.recv() == "half", "it has read a part of its rows"
    writer.kill()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    assert shop.messages() == []
    assert shop.port.write("sale", [ATLAS]).rows == len(shop.messages()) == 1


def _write_half(told: Connection, document: str, password: str) -> None:
    os.environ[PASSWORD] = password

    def half() -> Iterator[dict[str, Any]]:
        yield ATLAS
        told.send("half")
        told.recv()  # never comes

    connections({CONNECTIONS_VARIABLE: document}).output("shop").write("sale", half())


def test_a_topic_takes_no_row_back(shop: Shop) -> None:
    with pytest.raises(NotWritable, match="found mode 'overwrite', and the modes of a topic are 'append'"):
        shop.port.write("sale", [ATLAS], "overwrite")
    with pytest.raises(NotReadable, match="a topic has no end"):
        shop.port.read("sale")


def test_rows_are_not_sent_when_another_schema_is_published(shop: Shop) -> None:
    shop.publish({name: each for name, each in SALE.items() if name != "note"})
    with pytest.raises(SchemaMoved, match=f"the published schema of topic {shop.topic} is not that of model 'sale'"):
        shop.port.write("sale", [ATLAS])
    shop.publish({**SALE, "amount": {"type": "string"}})
    with pytest.raises(SchemaMoved, match="property amount is another there"):
        shop.port.write("sale", [ATLAS])
    assert shop.messages() == []


def test_a_row_that_the_broker_refuses_is_named(shop: Shop) -> None:
    with pytest.raises(NotWritable) as refused:
        shop.port.write("sale", [ATLAS, {**EMPTY, "note": "x" * 2_000_000}])
    first, second, *_ = str(refused.value).splitlines()
    assert first == "output port 'shop': Kafka refused 1 of 2 messages of model 'sale'"
    assert second == "  row 2 (sale_id '2', day 2024-03-01): Unable to produce message: Broker: Message size too large"
    assert len(shop.messages()) == 1
