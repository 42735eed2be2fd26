"""Arguments of kafka-directory."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from alchemesh_components.kafka.settings import KafkaSettings
from alchemesh_components.local.settings import LocalSettings
from alchemesh_platform.base.units import Duration
from alchemesh_platform.documents.patterns import TIME_ZONE_PATTERN
from alchemesh_platform.manifest.source_formats import specifiers
from alchemesh_platform.sdk.models import Strict

GROUP_MAX = 255  # a length that brokers store; Kafka documents no limit


def _date(form: str) -> str:
    specifiers(form, "date")
    return form


def _timestamp(form: str) -> str:
    specifiers(form, "timestamp")
    return form


class Args(Strict):
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
    date_format: Annotated[str, AfterValidator(_date)] | None = Field(
        default=None, description="Form of dates whose property has no `format`; ISO 8601 by default."
    )
    timestamp_format: Annotated[str, AfterValidator(_timestamp)] | None = Field(
        default=None, description="Form of timestamps whose property has no `format`; ISO 8601 by default."
    )
    time_zone: Annotated[str, StringConstraints(pattern=TIME_ZONE_PATTERN)] | None = Field(
        default=None, description="Time zone of timestamps without one, as in Europe/Berlin."
    )
    on_ambiguous_time: Literal["refuse", "earlier", "later"] = Field(
        default="refuse", description="Handling of a local time that occurs twice, when the clock is set back."
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
