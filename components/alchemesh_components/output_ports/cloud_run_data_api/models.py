"""Arguments of cloud-run-data-api."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

# https://cloud.google.com/bigquery/docs/scheduling-queries: the shortest repeat
REFRESH_MIN = timedelta(minutes=5)


def _long_enough(span: timedelta) -> timedelta:
    if span < REFRESH_MIN or span % timedelta(minutes=1):
        raise ValueError("expected whole minutes, at least 5m, the shortest that a scheduled query knows")
    return span


class Args(Strict):
    """Arguments of a data API."""

    refresh: Annotated[Duration, AfterValidator(_long_enough)] = Field(
        default=timedelta(hours=1),
        description="Refresh interval of REST and GraphQL, at least 5m; SQL always reads the current rows.",
    )
    memory: Literal["512Mi", "1Gi", "2Gi", "4Gi", "8Gi"] = Field(
        default="1Gi", description="Memory of an instance of the server."
    )
    instances_max: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Maximum number of instances; without requests, none runs."
    )
