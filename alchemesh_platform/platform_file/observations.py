"""The part of the platform file that says how an environment is observed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from alchemesh_platform.base.units import Duration, format_duration
from alchemesh_platform.documents.models import Strict
from alchemesh_platform.platform_file.openlineage import OpenLineage

SHORTEST, LONGEST = timedelta(seconds=10), timedelta(hours=1)
SHORTEST_KEPT, LONGEST_KEPT = timedelta(days=1), timedelta(days=3650)


def _interval(span: timedelta) -> timedelta:
    if not SHORTEST <= span <= LONGEST:
        raise ValueError(f"expected an interval from {format_duration(SHORTEST)} to {format_duration(LONGEST)}")
    return span


def _deadline(span: timedelta) -> timedelta:
    if not timedelta(milliseconds=100) <= span <= timedelta(seconds=50):
        raise ValueError("expected a deadline from 100ms to 50s, so that it ends within a slice of 60 seconds")
    return span


def _kept(span: timedelta) -> timedelta:
    if not SHORTEST_KEPT <= span <= LONGEST_KEPT:
        raise ValueError(f"expected a time from {format_duration(SHORTEST_KEPT)} to {format_duration(LONGEST_KEPT)}")
    return span


class Observations(Strict):
    """How an environment is observed, and how long its observations stay."""

    watch: bool = Field(
        default=False,
        description="Whether a supervised process of this machine watches all deployed products. `up` starts it.",
    )
    every: Annotated[Duration, AfterValidator(_interval)] = Field(
        default=timedelta(seconds=60),
        description="Interval of probes; above 60s, some slices have none and are unknown.",
    )
    measure_every: Duration = Field(default=timedelta(hours=1), description="Interval of measuring the assets.")
    raw: Annotated[Duration, AfterValidator(_kept)] = Field(
        default=timedelta(days=30), description="Age after which observations are summarized by hour."
    )
    hourly: Annotated[Duration, AfterValidator(_kept)] = Field(
        default=timedelta(days=365),
        description="Age after which hours are summarized by day, at least `raw`. Days stay for ever.",
    )
    openlineage: OpenLineage | None = Field(
        default=None, description="Receiver of OpenLineage events about runs of code, measurements and tests."
    )
    deadline: Annotated[Duration, AfterValidator(_deadline)] = Field(
        default=timedelta(seconds=10), description="Time for the answer to a probe; a port that is later is down."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.hourly < self.raw:
            raise ValueError(f"expected `hourly` of at least `raw`, which is {format_duration(self.raw)}")
        return self
