"""Topics of a cluster: reads, creates, changes and deletes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alchemesh_platform.sdk.system.drift import Deviation
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import ANSWER_SECONDS, Cluster, KafkaFailed, code_of, refusals

if TYPE_CHECKING:
    from confluent_kafka.admin import TopicDescription

TOPIC_NAME_MAX = 249  # org.apache.kafka.common.internals.Topic.MAX_NAME_LENGTH
TOPIC_NAME_PATTERN = r"^[a-zA-Z0-9._-]+$"  # org.apache.kafka.common.internals.Topic.LEGAL_CHARS


def name_problem(name: str) -> str | None:
    """The problem of a topic's name by the rules of Kafka's Topic.validate; None if it is valid."""
    if len(name) > TOPIC_NAME_MAX:
        return f"expected at most {TOPIC_NAME_MAX} characters, not {len(name)}"
    if not re.fullmatch(TOPIC_NAME_PATTERN, name):
        return "expected letters, digits, '.', '_' and '-'"
    return "expected a name" if name in (".", "..") else None


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. ``config`` holds only the options that are set on the topic itself."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


def topic_of(cluster: Cluster, name: str) -> Topic | None:
    """The current topic; None if it does not exist."""
    from confluent_kafka.admin import ConfigResource, ConfigSource

    found = describe_topic(cluster, name)
    if found is None:
        return None
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    entries = cluster.answer(cluster.admin.describe_configs([resource])[resource], f"read the configuration of {name}")
    own = {
        key: str(entry.value)
        for key, entry in entries.items()
        if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value and entry.value is not None
    }
    replicas = [len(partition.replicas) for partition in found.partitions]
    return Topic(name, len(found.partitions), min(replicas, default=0), own)


def describe_topic(cluster: Cluster, name: str) -> TopicDescription | None:
    """The description of a topic for a user with read rights only; None if there is none."""
    from confluent_kafka import KafkaError, KafkaException, TopicCollection

    with refusals(cluster.access, f"describe topic {name}"):
        try:
            found: TopicDescription = cluster.admin.describe_topics(TopicCollection([name]))[name].result(
                ANSWER_SECONDS
            )
            return found
        except KafkaException as error:
            if code_of(error) == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            raise


def check_source(access: KafkaAccess, topic: str) -> None:
    """Make sure that a source topic exists.

    Raises:
        KafkaFailed: when it does not exist, or the cluster does not answer.
    """
    if describe_topic(Cluster(access), topic) is None:
        raise KafkaFailed(
            f"there is no topic {topic} at {access.servers}",
            hint="check its name, or have those who run the source system create it",
        )


def create_topic(cluster: Cluster, topic: Topic, *, dry: bool = False) -> None:
    """Create a topic. A topic that another process created meanwhile is no error.

    Args:
        dry: Whether the cluster only validates the request.

    Raises:
        KafkaFailed: with the cluster's message: too few brokers for the replication factor, an unknown option, …
    """
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import NewTopic

    new = NewTopic(topic.name, topic.partitions, topic.replication, config=dict(topic.config))
    with refusals(cluster.access, f"create topic {topic.name}"):
        try:
            cluster.admin.create_topics([new], validate_only=dry)[topic.name].result(ANSWER_SECONDS)
        except KafkaException as error:
            if code_of(error) != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def change_topic(cluster: Cluster, now: Topic, wanted: Topic, *, dry: bool = False) -> None:
    """Update a topic: more partitions, other configuration. Its replication does not change.

    Args:
        dry: Whether the cluster only validates the request.

    Raises:
        KafkaFailed: when the cluster refuses.
    """
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions

    admin = cluster.admin
    if wanted.partitions != now.partitions:
        grown = admin.create_partitions([NewPartitions(now.name, wanted.partitions)], validate_only=dry)
        cluster.answer(
            grown[now.name], f"bring topic {now.name} from {now.partitions} to {wanted.partitions} partitions"
        )
    set_ = {key: value for key, value in wanted.config.items() if now.config.get(key) != value}
    gone = [key for key in now.config if key not in wanted.config]
    if set_ or gone:
        entries = [
            *(ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in set_.items()),
            *(ConfigEntry(key, "", incremental_operation=AlterConfigOpType.DELETE) for key in gone),
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, now.name, incremental_configs=entries)
        altered = admin.incremental_alter_configs([resource], validate_only=dry)
        cluster.answer(altered[resource], f"configure topic {now.name}")


def delete_topic(cluster: Cluster, name: str) -> None:
    """Delete a topic with its messages. A missing topic is no error."""
    from confluent_kafka import KafkaError, KafkaException

    with refusals(cluster.access, f"delete topic {name}"):
        try:
            cluster.admin.delete_topics([name])[name].result(ANSWER_SECONDS)
        except KafkaException as error:
            if code_of(error) != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise


def deviations(now: Topic, wanted: Topic) -> list[Deviation]:
    """The properties of a topic that differ from its declaration."""
    found = []
    if now.partitions != wanted.partitions:
        found.append(Deviation("partitions", wanted.partitions, now.partitions))
    for key in sorted({*now.config, *wanted.config}):
        if now.config.get(key) != wanted.config.get(key):
            found.append(Deviation(f"config.{key}", wanted.config.get(key), now.config.get(key)))
    return found


def differences(now: Topic, wanted: Topic) -> list[str]:
    """The differences between a topic and its declaration, in words."""
    return [
        f"{each.path.removeprefix('config.')} {_or_unset(each.found)} instead of {_or_unset(each.declared)}"
        for each in deviations(now, wanted)
    ]


def _or_unset(value: object) -> object:
    return "unset" if value is None else value


def await_topic(cluster: Cluster, wanted: Topic) -> None:
    """Wait until the brokers report the topic as declared. They receive changes from the controller with a delay.

    Raises:
        KafkaFailed: when they do not report it in time, with the differences.
    """

    def missing() -> str | None:
        now = topic_of(cluster, wanted.name)
        differing = differences(now, wanted) if now is not None else ["it is not there"]
        return f"topic {wanted.name} is not what it was made to be: {', '.join(differing)}" if differing else None

    cluster.await_reported(missing)


def messages_in(cluster: Cluster, topic: Topic) -> tuple[int, int | None]:
    """The maximum number of messages in a topic (compaction leaves gaps), and the time of the last one.

    Returns:
        The number, and the time in milliseconds since 1970; the time is None if the topic is empty or has no
        timestamps.
    """
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import OffsetSpec

    parts = [TopicPartition(topic.name, number) for number in range(topic.partitions)]

    def offsets(spec: OffsetSpec) -> dict[int, tuple[int, int]]:
        asked = cluster.admin.list_offsets(dict.fromkeys(parts, spec))
        answers = {part.partition: cluster.answer(future, f"read {topic.name}") for part, future in asked.items()}
        return {number: (answer.offset, answer.timestamp) for number, answer in answers.items()}

    first, end = offsets(OffsetSpec.earliest()), offsets(OffsetSpec.latest())
    held = sum(max(0, end[number][0] - first[number][0]) for number in end)
    latest = [stamp for _offset, stamp in offsets(OffsetSpec.max_timestamp()).values() if stamp > 0]
    return held, max(latest, default=None)
