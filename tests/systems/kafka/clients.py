"""Connections of tests to the broker: by settings, and as a consumer."""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import Consumer, KafkaException

from parts.kafka import Broker
from tests.systems.kafka.conftest import PASSWORD

LONGEST = 120.0


def access(kafka: Broker, *, user: str = "admin", secret: str = PASSWORD) -> dict[str, Any]:
    """The access of a user, in the form of resource inputs."""
    mechanism = "PLAIN" if user == "admin" else "SCRAM-SHA-512"
    security = {
        "protocol": "SASL_PLAINTEXT",
        "mechanism": mechanism,
        "username": user,
        "password": {"secret": secret},
    }
    return {"bootstrap_servers": [kafka.bootstrap], "security": security}


def read(
    kafka: Broker, topic: str, number: int, *, user: str = "admin", password: str | None = None, group: str = "t"
) -> list[bytes]:
    """The first messages of a topic, as a user sees them; raises the broker's error."""
    options = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({**kafka.client(user, password), **options})
    found: list[bytes] = []
    deadline = time.monotonic() + LONGEST
    try:
        consumer.subscribe([topic])
        while len(found) < number and time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            found.append(bytes(message.value() or b""))
    finally:
        consumer.close()
    return found
