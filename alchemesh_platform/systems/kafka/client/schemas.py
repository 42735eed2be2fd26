"""The published schemas of a cluster: a compacted topic with the owner and the schema of every other topic.

The key of a record is the name of a topic, and its value is a JSON document (:class:`Published`). A user that can read
the compacted topic finds every schema with a plain consumer, without a schema registry.
"""

from __future__ import annotations

import json
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alchemesh_platform.systems.kafka.client.access import client_options
from alchemesh_platform.systems.kafka.client.cluster import ANSWER_SECONDS, Cluster, KafkaFailed, code_of, refusals
from alchemesh_platform.systems.kafka.client.topics import Topic, create_topic

SCHEMA_TOPIC = "alchemesh.schemas"
# https://kafka.apache.org/documentation/#topicconfigs_cleanup.policy
SCHEMA_TOPIC_CONFIG = {"cleanup.policy": "compact"}
_POLL_SECONDS = 0.5


class Published(BaseModel):
    """The published schema of one topic."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    owner: str = Field(description="Address that the topic belongs to: domain/product/port/model.")
    environment: str | None = Field(
        default=None, description="Environment that the topic belongs to; None in records of earlier versions."
    )
    model: str = Field(description="Name of the semantic model.")
    message_schema: dict[str, Any] = Field(alias="schema", description="JSON Schema of a message.")


def publish(cluster: Cluster, schema_topic: str, topic: str, published: Published, *, replication: int) -> None:
    """Publish the schema of a topic. It replaces the earlier one.

    Args:
        replication: Replication factor of the topic of schemas, used if the function creates it.

    Raises:
        KafkaFailed: when the cluster refuses.
    """
    create_topic(cluster, Topic(schema_topic, 1, replication, SCHEMA_TOPIC_CONFIG))
    document = published.model_dump(mode="json", by_alias=True)
    if published.environment is None:
        del document["environment"]
    _write(cluster, schema_topic, topic, json.dumps(document, sort_keys=True).encode())


def withdraw(cluster: Cluster, schema_topic: str, topic: str) -> None:
    """Delete the published schema of a topic."""
    _write(cluster, schema_topic, topic, None)


def published_of(cluster: Cluster, schema_topic: str, topic: str) -> Published | None:
    """The published schema of a topic; None if there is none, or it is unreadable."""
    return all_published(cluster, schema_topic).get(topic)


def all_published(cluster: Cluster, schema_topic: str) -> dict[str, Published]:
    """The published schema of each topic.

    Raises:
        KafkaFailed: when the cluster refuses or does not answer in time.
    """
    from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

    options = {"group.id": "alchemesh", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer({**client_options(cluster.access), **options})
    nothing_more = (KafkaError._PARTITION_EOF, KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION)
    found: dict[str, Published] = {}
    deadline = time.monotonic() + ANSWER_SECONDS
    try:
        with refusals(cluster.access, f"read topic {schema_topic}"):
            consumer.assign([TopicPartition(schema_topic, 0, 0)])
            while time.monotonic() < deadline:
                message = consumer.poll(_POLL_SECONDS)  # asked for several messages, it would wait for all of them
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    _take(found, message.key(), message.value())
                elif error.code() in nothing_more:
                    return found
                elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:  # the group is unused
                    raise KafkaException(error)
    finally:
        consumer.close()
    raise KafkaFailed(f"Kafka does not give topic {schema_topic} in {ANSWER_SECONDS:.0f} s", hint="run again later")


def _take(found: dict[str, Published], key: bytes | str | None, value: bytes | str | None) -> None:
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
    found.pop(name, None)
    if value is not None:
        try:
            found[name] = Published.model_validate_json(value)
        except ValidationError:
            return  # a record of another program: it marks no owner


def _write(cluster: Cluster, schema_topic: str, key: str, value: bytes | None) -> None:
    from confluent_kafka import KafkaError, KafkaException, Producer

    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            failed.append(error)

    producer = Producer({**client_options(cluster.access), "message.timeout.ms": int(ANSWER_SECONDS * 1000)})
    with refusals(cluster.access, f"write to topic {schema_topic}"):
        try:
            producer.produce(schema_topic, value, key.encode(), on_delivery=delivered)
            left = producer.flush(ANSWER_SECONDS)
            if failed:
                raise KafkaException(failed[0])
            if left:
                raise TimeoutError
        except KafkaException as error:
            gone = value is None and code_of(error) in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
            if not gone:
                raise
