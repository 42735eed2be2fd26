"""Arguments that code has under every engine."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.time_zone import is_zone
from alchemesh_platform.base.units import Duration
from alchemesh_platform.documents.models import Name
from alchemesh_platform.sdk.code.timetable import Timetable
from alchemesh_platform.sdk.models import Strict

ENTRYPOINT_PATTERN = r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*|[\w./-]+\.py)$"
CRON_PATTERN = r"^\S+( \S+){4}$"
RETRY_DELAY_MAX = timedelta(days=1)


def _zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError("expected a time zone, such as UTC or Europe/Amsterdam")
    return name


def _cron(schedule: str) -> str:
    with suppress(ImportError):  # without the extra of local components, the engine of the job checks it
        Timetable(schedule).check()
    return schedule


def positive(span: timedelta) -> timedelta:
    """A time limit of at least a second.

    Raises:
        ValueError: when it is shorter.
    """
    if span < timedelta(seconds=1):
        raise ValueError("expected a time limit of at least 1s")
    return span


def _not_too_long(span: timedelta) -> timedelta:
    if span > RETRY_DELAY_MAX:
        raise ValueError("expected at most 1d between two attempts")
    return span


Entrypoint = Annotated[str, StringConstraints(pattern=ENTRYPOINT_PATTERN)]
Cron = Annotated[str, StringConstraints(pattern=CRON_PATTERN), AfterValidator(_cron)]
TimeZone = Annotated[str, AfterValidator(_zone)]


class EntrypointArgs(Strict):
    """The code to run."""

    entrypoint: Entrypoint = Field(
        description="Code to run: package.module:function, or the path of a script in the manifest's folder."
    )


class RunArgs(Strict):
    """Arguments of the runs of code. Each engine has them, so that a change of the engine changes no argument."""

    schedule: Cron | None = Field(
        default=None,
        description="Schedule, as a cron expression of five fields. Without a schedule and without `on`, "
        "`alchemesh run` starts the code.",
        examples=["*/15 * * * *"],
    )
    time_zone: TimeZone = Field(default="UTC", description="Time zone of the schedule.", examples=["Europe/Amsterdam"])
    on: tuple[Name, ...] = Field(
        default=(),
        description="Names of input ports that read another product. A run starts after the data of one of them has "
        "changed.",
    )
    catch_up: Literal["latest", "all", "none"] = Field(
        default="latest",
        description="Times of the schedule that passed while the engine was down: run once for the latest, once for "
        "each, or not at all.",
    )
    env: dict[str, str | SecretRef] = Field(
        default_factory=dict, description="Environment variables: a text, or {secret: NAME}."
    )
    timeout: Annotated[Duration, AfterValidator(positive)] = Field(
        default=timedelta(hours=1), description="Time limit of an attempt."
    )
    retries: Annotated[int, Field(ge=0, le=10)] = Field(default=0, description="Number of retries of a failed run.")
    retry_delay: Annotated[Duration, AfterValidator(_not_too_long)] = Field(
        default=timedelta(minutes=1), description="Wait before a retry."
    )


class CodeArgs(RunArgs, EntrypointArgs):
    """Arguments of code with an entrypoint."""
