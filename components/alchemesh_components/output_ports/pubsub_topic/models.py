"""Arguments of pubsub-topic."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

# https://cloud.google.com/pubsub/docs/replay-overview#configuring_message_retention
RETENTION = (timedelta(minutes=10), timedelta(days=31))


def _in_range(span: timedelta) -> timedelta:
    if not RETENTION[0] <= span <= RETENTION[1]:
        raise ValueError("expected a time from 10m to 31d, which is what Pub/Sub takes")
    return span


class Args(Strict):
    """Arguments of streaming topics."""

    retention: Annotated[Duration, AfterValidator(_in_range)] = Field(
        default=timedelta(days=7), description="Retention of messages for repeated reading, from 10m to 31d."
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the topics stay when the storage is removed.")
