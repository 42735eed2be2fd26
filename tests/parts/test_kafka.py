"""The broker of other tests: the rights of each user, and data that survives a kill."""

from __future__ import annotations

import pytest

from parts.kafka import RESIDENT, Broker

pytestmark = pytest.mark.slow


def read(kafka: Broker, user: str, password: str, topic: str, group: str) -> bytes:
    """The first message of a topic, as a user sees it; raises the error of the broker."""
    from confluent_kafka import Consumer, KafkaException

    options = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer(kafka.client(user, password) | options)
    try:
        consumer.subscribe([topic])
        message = consumer.poll(120)
        assert message is not None, "nothing came"
        if message.error():
            raise KafkaException(message.error())
        return bytes(message.value())
    finally:
        consumer.close()


def test_a_user_reads_what_an_acl_allows_and_nothing_else(kafka: Broker) -> None:
    from confluent_kafka import KafkaException

    for topic in ("parts.open", "parts.closed"):
        kafka.create_topic(topic)
        kafka.produce(topic, [b"hello"])
    kafka.add_user("parts-reader", "right")
    kafka.allow("parts-reader", read=["parts.open"], groups=["parts-reader-"])

    assert read(kafka, "parts-reader", "right", "parts.open", "parts-reader-1") == b"hello"
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        read(kafka, "parts-reader", "right", "parts.closed", "parts-reader-1")
    with pytest.raises(KafkaException, match="GROUP_AUTHORIZATION_FAILED"):
        read(kafka, "parts-reader", "right", "parts.open", "other")


def test_a_wrong_password_is_refused(kafka: Broker) -> None:
    from confluent_kafka import KafkaError
    from confluent_kafka.admin import AdminClient

    kafka.add_user("parts-writer", "right")
    refused: list[KafkaError] = []
    client = AdminClient(kafka.client("parts-writer", "wrong") | {"error_cb": refused.append})
    for _ in range(600):
        client.poll(0.1)
        if any(error.code() == KafkaError._AUTHENTICATION for error in refused):
            return
    raise AssertionError(f"the broker did not refuse: {refused}")


def test_messages_outlive_a_kill_on_the_same_address(kafka: Broker) -> None:
    kafka.create_topic("parts.kept")
    kafka.produce("parts.kept", [b"before"])
    kafka.kill()
    kafka.start()
    kafka.add_user("parts-late", "right")
    kafka.allow("parts-late", read=["parts.kept"], groups=["parts-late"])
    assert read(kafka, "parts-late", "right", "parts.kept", "parts-late") == b"before"


def test_users_outlive_a_kill_after_another_user_was_removed(kafka: Broker) -> None:
    """A broker that started after the removal of its first user once refused all others. NiFi then read no event."""
    removed = f"{RESIDENT}{RESIDENT}"  # its hash is 0 too, so the broker replays its removal before other users
    kafka.add_user(removed, "gone")
    kafka.remove_user(removed)
    kafka.add_user("parts-stays", "right")
    kafka.kill()
    kafka.start()
    assert kafka.knows("parts-stays", "right")
    assert not kafka.knows(removed, "gone")


def test_the_administrator_s_password_is_not_shown(kafka: Broker) -> None:
    assert kafka.password not in repr(kafka)
