"""Topics of a cluster that have an owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alchemesh_platform.machine.files import count
from alchemesh_platform.sdk.system.retained import Retained, RetainedData
from alchemesh_platform.systems.kafka.client import schemas, topics
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.client.schemas import SCHEMA_TOPIC

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


class KafkaData(RetainedData):
    """Topics with a published schema."""

    def find(self, platform: Platform) -> Iterator[Retained]:
        cluster = _cluster(platform)
        if cluster is None:
            return
        for name, published in sorted(schemas.all_published(cluster, _schema_topic(platform)).items()):
            topic = topics.topic_of(cluster, name)
            if topic is not None and published.environment in (None, platform.environment):
                held, _last = topics.messages_in(cluster, topic)
                words = f"at most {count(held, 'message')}"
                yield Retained("Kafka topic", name, published.owner, words, (name,), published.environment)

    def delete(self, platform: Platform, data: Retained) -> None:
        cluster = _cluster(platform)
        if cluster is not None:
            topics.delete_topic(cluster, data.name)
            schemas.withdraw(cluster, _schema_topic(platform), data.name)


def _cluster(platform: Platform) -> Cluster | None:
    settings = platform.settings.get("kafka")
    if not settings or not settings.get("bootstrap_servers"):
        return None
    return Cluster(
        KafkaAccess.model_validate({name: settings[name] for name in KafkaAccess.model_fields if name in settings})
    )


def _schema_topic(platform: Platform) -> str:
    return str(platform.settings.get("kafka", {}).get("schema_topic") or SCHEMA_TOPIC)


RETAINED = KafkaData()
