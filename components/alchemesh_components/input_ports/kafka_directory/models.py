"""Arguments of kafka-directory."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from alchemesh_components.files.reading import TimeArgs
from alchemesh_components.kafka.settings import KafkaSettings
from alchemesh_components.local.settings import LocalSettings
from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

GROUP_MAX = 255  # a length that brokers store; Kafka documents no limit


class Args(TimeArgs):
    """Arguments of ingestion from Kafka."""

    topic: str = Field(min_length=1, description="Topic to read.")
    format: Literal["json"] = Field(default="json", description="Format of the messages: json is one object each.")
    group: Annotated[str, StringConstraints(min_length=1, max_length=GROUP_MAX)] | None = Field(
        default=None,
        description="Consumer group; by default <domain>.<product>.<port>, after the environment if that is not local.",
    )
    batch_messages: int = Field(default=5000, ge=1, description="Maximum number of messages in a file.")
    batch_time: Duration = Field(
        default=timedelta(seconds=10), description="Longest time that a message waits for its file."
    )
    on_bad_row: Literal["reject", "fail"] = Field(
        default="reject",
        description="Handling of a message that does not fit. reject: it is a dead letter. fail: the consumer stops "
        "before it, and `status` names it.",
    )
    on_new_column: Literal["refuse", "add", "ignore"] | None = Field(
        default=None,
        description="Handling of a name that the schema lacks; by default refuse with a schema, and add without one.",
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the ingested files stay when the port is removed.")


class Settings(Strict):
    """Settings groups of kafka-directory."""

    local: LocalSettings = Field(description="The embedded local platform.")
    kafka: KafkaSettings = Field(description="The Kafka cluster.")
