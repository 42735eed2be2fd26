"""Arguments of kinesis-stream."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

HOUR = timedelta(hours=1)
# https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html
RETENTION = (timedelta(hours=24), timedelta(days=365))


def _in_range(span: timedelta) -> timedelta:
    if not RETENTION[0] <= span <= RETENTION[1] or span % HOUR:
        raise ValueError("expected whole hours from 24h to 365d, which is what Kinesis takes")
    return span


class Args(Strict):
    """Arguments of streaming topics."""

    retention: Annotated[Duration, AfterValidator(_in_range)] = Field(
        default=timedelta(days=7), description="Retention of messages for repeated reading, from 24h to 365d."
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the streams stay when the storage is removed.")
