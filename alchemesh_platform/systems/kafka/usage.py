"""Usage of topics: the messages that the consumer groups of granted consumers have committed.

A broker reports no requests of its users. It keeps the committed offset of each consumer group and partition, and the
rights of a consumer allow only groups whose names begin with its own. So the difference of two committed offsets is the
number of messages that a consumer has read. Reading without a group, or without a commit, leaves no trace.

Source: https://kafka.apache.org/documentation/#consumerconfigs_group.id
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from alchemesh_platform.base.secrets import SecretMissing
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.probes.probe import IDENTITY
from alchemesh_platform.sdk.system.usage import (
    MeteredPort,
    Metering,
    NotHere,
    NotMetered,
    Slots,
    UsageCount,
    UsageGap,
    UsageReading,
    UsageSource,
)
from alchemesh_platform.systems.kafka.client.cluster import ANSWER_SECONDS, Cluster, refusals
from alchemesh_platform.systems.kafka.client.users import group_prefixes
from alchemesh_platform.systems.kafka.connections import TopicConnection

PROTOCOL = "kafka"

Offsets = Mapping[str, int]  # "topic/partition": an offset


class CommittedOffsets(UsageSource):
    """The messages that consumer groups have committed, by group."""

    name = "committed-offsets"

    def __init__(self, port: MeteredPort, topics: Sequence[str], cluster: Cluster) -> None:
        self._topics, self._cluster = tuple(topics), cluster
        self._prefixes = {prefix: each for each in reversed(port.consumers) for prefix in group_prefixes(each)}

    def read(self, position: Mapping[str, Any] | None, slots: Slots, now: datetime) -> UsageReading:
        """The messages that were committed since the position. The first reading only notes the offsets."""
        ends = self._ends()
        groups = {name: found for name in self._groups() if (found := self._committed(name))}
        after = {"groups": groups, "ends": ends, "at": now.timestamp()}
        if position is None:
            return UsageReading(after)
        before, since = position["groups"], datetime.fromtimestamp(position["at"], UTC)
        start = slots.start(now.timestamp())
        counts, gaps = [], []
        for group, committed in sorted(groups.items()):
            known = before.get(group)
            messages = _read({**position["ends"], **(known or {})}, committed)
            if messages:
                counts.append(self._count(group, start, messages))
            if known is None and any(position["ends"].get(place, 0) > 0 for place in committed):
                reason = f"consumer group {group} is new: what it read of earlier messages is unknown"
                gaps.append(UsageGap(since, now, reason))
        return UsageReading(after, tuple(counts), tuple(gaps))

    def _count(self, group: str, start: datetime, messages: int) -> UsageCount:
        consumer = self._consumer(group)
        own = group.startswith(f"{IDENTITY}-")
        return UsageCount(
            protocol=PROTOCOL,
            user=group,
            consumer=consumer.address if consumer is not None else "",
            request=consumer.request if consumer is not None else None,
            since=start,
            requests=messages,
            billable_requests=0 if own or consumer is None else messages,
            errors=None,
            rows=messages,
            own=own,
        )

    def _consumer(self, group: str) -> Consumer | None:
        """The consumer that may use a group: the one with the longest prefix."""
        fitting = [prefix for prefix in self._prefixes if group.startswith(prefix)]
        return self._prefixes[max(fitting, key=len)] if fitting else None

    def _groups(self) -> Iterator[str]:
        with refusals(self._cluster.access, "list its consumer groups"):
            found = self._cluster.admin.list_consumer_groups(request_timeout=ANSWER_SECONDS).result(ANSWER_SECONDS)
        for each in found.valid:
            yield each.group_id

    def _committed(self, group: str) -> Offsets:
        """The committed offsets of a group in the topics of the port."""
        from confluent_kafka import ConsumerGroupTopicPartitions

        asked = ConsumerGroupTopicPartitions(group)
        with refusals(self._cluster.access, f"read the offsets of consumer group {group}"):
            (future,) = self._cluster.admin.list_consumer_group_offsets([asked]).values()
            found = future.result(ANSWER_SECONDS)
        return {
            f"{each.topic}/{each.partition}": each.offset
            for each in found.topic_partitions or ()
            if each.topic in self._topics and each.error is None and each.offset >= 0
        }

    def _ends(self) -> Offsets:
        """The end of each partition."""
        from confluent_kafka import TopicPartition
        from confluent_kafka.admin import OffsetSpec

        with refusals(self._cluster.access, "read the ends of topics"):
            topics = self._cluster.admin.list_topics(timeout=ANSWER_SECONDS).topics
            wanted = {
                TopicPartition(topic, partition): OffsetSpec.latest()
                for topic in self._topics
                if topic in topics
                for partition in topics[topic].partitions
            }
            found = {place: future.result(ANSWER_SECONDS) for place, future in self._ask(wanted).items()}
        return {f"{place.topic}/{place.partition}": each.offset for place, each in found.items()}

    def _ask(self, wanted: Mapping[Any, Any]) -> Mapping[Any, Any]:
        return self._cluster.admin.list_offsets(dict(wanted)) if wanted else {}


class TopicMetering(Metering):
    """Metering of topics of Kafka."""

    def sources_of(self, port: MeteredPort) -> Sequence[UsageSource]:
        """The committed offsets of the port's topics."""
        connection = port.connection
        if not isinstance(connection, TopicConnection):
            raise NotMetered("its storage is no topic of Kafka")
        try:
            cluster = Cluster(connection.access)
        except SecretMissing as error:
            raise NotHere(f"its cluster cannot be read from here: {error.message}") from error
        return (CommittedOffsets(port, tuple(dict.fromkeys(connection.topics.values())), cluster),)


METERING = TopicMetering()


def _read(before: Offsets, after: Offsets) -> int:
    """The messages between offsets. A group that went back, or a topic that began again, has read nothing new."""
    return sum(max(offset - before.get(place, 0), 0) for place, offset in after.items())
