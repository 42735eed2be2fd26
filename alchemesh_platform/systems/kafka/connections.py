"""Topics: the connection of a storage that has one topic for each model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from alchemesh_platform.sdk.connections.base import Connection, WrongConnection
from alchemesh_platform.systems.kafka.client.access import KafkaAccess, client_options


class TopicConnection(Connection):
    """A topic for each model. Passwords are named, never written."""

    kind: Literal["topic"] = "topic"
    broker: Literal["kafka", "pubsub", "kinesis"] = Field(description="The system that has the topics.")
    servers: tuple[str, ...] = Field(default=(), description="Kafka: bootstrap servers, host:port.")
    topics: dict[str, str] = Field(
        description="Model name: its topic; for Pub/Sub the full name projects/PROJECT/topics/TOPIC, for Kinesis the "
        "stream."
    )
    security: dict[str, Any] = Field(
        default_factory=dict,
        description="Kafka: protocol, mechanism and user of the platform; the password by reference.",
    )
    schemas: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Kafka: model name: JSON Schema of a message."
    )
    schema_topic: str | None = Field(default=None, description="Kafka: compacted topic with the schemas of all topics.")
    issues_credentials: bool = Field(
        default=False,
        description=(
            "Kafka: whether the platform creates users, with their passwords from `alchemesh access credential`."
        ),
    )

    def topic(self, model: str) -> str:
        """The topic of a model."""
        if model not in self.topics:
            raise WrongConnection(f"no topic for model {model!r}: there are {', '.join(sorted(self.topics)) or 'none'}")
        return self.topics[model]

    def client(self, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
        """Configuration for a client of confluent-kafka. Add `group.id` and other options that your client needs.

        Raises:
            WrongConnection: when the topics are not in Kafka.
            SecretMissing: when the password has no value in the environment.
        """
        return client_options(self.access, environ)

    @property
    def access(self) -> KafkaAccess:
        """The connection settings of the cluster. Raises WrongConnection if the topics are not in Kafka."""
        if self.broker != "kafka":
            raise WrongConnection(f"topics of {self.broker}, not of Kafka")
        return KafkaAccess.model_validate({"bootstrap_servers": self.servers, "security": self.security})
