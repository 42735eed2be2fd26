"""Settings for Kafka."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from alchemesh_platform.sdk.models import Strict
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.schemas import SCHEMA_TOPIC


class KafkaSettings(KafkaAccess):
    """The cluster, how it is reached, and how topics and consumers are made there."""

    topic_prefix: str = Field(default="", description="Prefix of all topic names.")
    replication: int = Field(default=3, ge=1, description="Replicas of each partition of a new topic.")
    schema_topic: str = Field(default=SCHEMA_TOPIC, description="Compacted topic for the published schemas.")
    create_users: bool = Field(
        default=False,
        description="Whether the platform creates SCRAM users for granted consumers: for each member who gets a "
        "credential, and for the code of products; otherwise the users must exist "
        "already, as on managed clusters with their own user service (Amazon MSK, Aiven), named domain.product, "
        "domain.team, or an email. Users with other names, such as service accounts of Confluent Cloud, cannot be "
        "granted access.",
    )

    def access(self) -> dict[str, Any]:
        """The connection settings of the cluster, in the form of resources: secrets by name."""
        return self.model_dump(mode="json", include=set(KafkaAccess.model_fields), exclude_none=True)


class Settings(Strict):
    """Settings groups of components that need Kafka alone."""

    kafka: KafkaSettings = Field(description="The Kafka cluster.")
