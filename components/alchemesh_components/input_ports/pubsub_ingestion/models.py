"""Arguments of pubsub-ingestion."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from alchemesh_components.files.reading import ValueArgs
from alchemesh_platform.base.units import Duration

# https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
TOPIC_PATTERN = r"^(projects/[^/]+/topics/)?[A-Za-z][A-Za-z0-9._~%+-]{2,254}$"
# https://cloud.google.com/pubsub/docs/create-cloudstorage-subscription#subscription_properties
BATCH_TIME = (timedelta(minutes=1), timedelta(minutes=10))
BATCH_MEGABYTES_MAX = 10 * 1024


def _in_range(span: timedelta) -> timedelta:
    if not BATCH_TIME[0] <= span <= BATCH_TIME[1]:
        raise ValueError("expected a time from 1m to 10m, which is what Pub/Sub takes")
    return span


class Args(ValueArgs):
    """Arguments of ingestion from a topic."""

    topic: Annotated[str, StringConstraints(pattern=TOPIC_PATTERN)] = Field(
        description="The topic: its name, or projects/PROJECT/topics/NAME in another project."
    )
    format: Literal["json", "avro"] = Field(
        default="json",
        description="json: the messages as they are, one for each line; avro: with their attributes, as Avro files.",
    )
    batch_time: Annotated[Duration, AfterValidator(_in_range)] = Field(
        default=timedelta(minutes=5), description="Longest time to collect messages into one file, from 1m to 10m."
    )
    batch_megabytes: Annotated[int, Field(ge=1, le=BATCH_MEGABYTES_MAX)] = Field(
        default=100, description="Size at which a file is closed before its time."
    )
    filter: str | None = Field(
        default=None, max_length=256, description="Filter on the attributes of messages, in Pub/Sub's filter language."
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the files stay when the port is removed.")
