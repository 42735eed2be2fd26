"""Arguments of cloud-run-data-api."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

# A table that changed is read as a whole, by each instance.
REFRESH_MIN = timedelta(seconds=10)


def _long_enough(span: timedelta) -> timedelta:
    if span < REFRESH_MIN:
        raise ValueError("expected at least 10s: each instance reads a changed table as a whole")
    return span


class Args(Strict):
    """Arguments of a data API."""

    refresh: Annotated[Duration, AfterValidator(_long_enough)] = Field(
        default=timedelta(minutes=5),
        description="Time between two looks for changed tables for REST and GraphQL, at least 10s; SQL always reads "
        "the current rows.",
    )
    memory: Literal["512Mi", "1Gi", "2Gi", "4Gi", "8Gi", "16Gi", "32Gi"] = Field(
        default="2Gi",
        description="Memory of an instance of the server, which holds a copy of the tables. The only table of a port "
        "may have 0.3 GB of rows with 2Gi, and 1.4 GB with 8Gi, uncompressed; several tables share it.",
    )
    instances_max: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Maximum number of instances; without requests, none runs."
    )
