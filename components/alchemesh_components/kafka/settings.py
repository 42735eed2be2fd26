"""What a platform team sets for Kafka."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from alchemesh_platform.sdk.models import Strict
from alchemesh_platform.systems.kafka.access import KafkaAccess
from alchemesh_platform.systems.kafka.schemas import SCHEMA_TOPIC


class KafkaSettings(KafkaAccess):
    """The cluster, how it is reached, and how topics and consumers are made there."""

    topic_prefix: str = Field(default="", description="What the names of all topics begin with.")
    replication: int = Field(default=3, ge=1, description="Copies of each partition of a new topic.")
    schema_topic: str = Field(default=SCHEMA_TOPIC, description="Compacted topic that schemas are published in.")
    create_users: bool = Field(
        default=False,
        description="Whether a consumer that is let in gets a SCRAM user of its own; otherwise users exist already, "
        "as where a managed cluster's own service makes them (Amazon MSK, Aiven): domain.product, domain.team, or an "
        "email. Users that cannot be named so, as service accounts of Confluent Cloud, cannot be let in.",
    )

    def access(self) -> dict[str, Any]:
        """How the cluster is reached, as resources take it: secrets by name."""
        return self.model_dump(mode="json", include=set(KafkaAccess.model_fields), exclude_none=True)


class Settings(Strict):
    """Settings groups of components that need Kafka alone."""

    kafka: KafkaSettings = Field(description="The Kafka cluster.")
