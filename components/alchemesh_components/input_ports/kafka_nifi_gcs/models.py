"""Arguments of kafka-nifi-gcs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from alchemesh_components.files.reading import ValueArgs
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_components.kafka.settings import KafkaSettings
from alchemesh_components.nifi.settings import NifiSettings
from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

TOPIC_PATTERN = r"^[a-zA-Z0-9._-]+$"
TOPIC_MAX = 249  # org.apache.kafka.common.internals.Topic
# Characters that are valid in a folder of a bucket and safe in shells and queries.
PREFIX_PATTERN = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?(/[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$"
PREFIX_MAX = 100  # object names have at most 1024 bytes: https://cloud.google.com/storage/docs/objects#naming
BATCH_TIME = (timedelta(seconds=1), timedelta(hours=24))
BATCH_MEGABYTES_MAX = 1024  # NiFi writes a batch to its disk first, and readers read it as a whole


def _in_range(span: timedelta) -> timedelta:
    if not BATCH_TIME[0] <= span <= BATCH_TIME[1] or span % timedelta(seconds=1):
        raise ValueError("expected whole seconds, from 1s to 24h")
    return span


class Args(ValueArgs):
    """Arguments of ingestion from a Kafka topic."""

    topic: Annotated[str, StringConstraints(pattern=TOPIC_PATTERN, max_length=TOPIC_MAX)] = Field(
        description="The topic."
    )
    format: Literal["json", "text"] = Field(
        default="json",
        description=(
            "Format of the events, one on each line of a file. json: an object; other messages go to "
            "dead_letter. text: any text without line breaks."
        ),
    )
    start: Literal["earliest", "latest"] = Field(
        default="earliest", description="Position in the topic where a new port starts to read."
    )
    batch_time: Annotated[Duration, AfterValidator(_in_range)] = Field(
        default=timedelta(minutes=5), description="Longest time to collect events into one file, from 1s to 24h."
    )
    batch_megabytes: Annotated[int, Field(ge=1, le=BATCH_MEGABYTES_MAX)] = Field(
        default=100, description="Size at which a file is closed before its time."
    )
    dead_letter: Annotated[str, StringConstraints(pattern=PREFIX_PATTERN, max_length=PREFIX_MAX)] = Field(
        default="dead-letter",
        description="Folder of the bucket for messages that cannot be read, or not be written to their place.",
    )
    retention: Duration | None = Field(
        default=None, description="Age after which files are removed, in whole days; by default they are kept."
    )
    old_versions: Duration = Field(
        default=timedelta(days=30),
        description="Time in which an overwritten or removed file can be restored, in whole days.",
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the files stay when the port is removed.")


class Settings(Strict):
    """Settings groups of kafka-nifi-gcs."""

    gcp: GcpSettings = Field(description="The project in Google Cloud.")
    kafka: KafkaSettings = Field(description="The Kafka cluster.")
    nifi: NifiSettings = Field(description="The NiFi server.")
