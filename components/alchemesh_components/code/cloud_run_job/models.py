"""Arguments of cloud-run-job."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from alchemesh_components.code.arguments import Cron, Entrypoint, TimeZone, positive
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

TIMEOUT_MAX = timedelta(days=7)  # https://cloud.google.com/run/docs/configuring/task-timeout


def _not_too_long(span: timedelta) -> timedelta:
    if span > TIMEOUT_MAX:
        raise ValueError("expected at most 7d, the longest that Cloud Run lets a task run")
    return span


def need_of(secret: SecretRef) -> str:
    """Name of the need that holds a secret: ``api-token`` for ``API_TOKEN``."""
    return secret.secret.lower().replace("_", "-")


class Args(Strict):
    """Arguments of a Python job."""

    entrypoint: Entrypoint = Field(
        description="Code to run: package.module:function, or the path of a script, in the image's working folder."
    )
    schedule: Cron | None = Field(
        default=None,
        description="Schedule, as a cron expression of five fields; by default the job runs on demand.",
        examples=["*/15 * * * *"],
    )
    time_zone: TimeZone = Field(default="UTC", description="Time zone of the schedule.", examples=["Europe/Amsterdam"])
    env: dict[str, str | SecretRef] = Field(
        default_factory=dict,
        description="Environment variables: a text, or {secret: NAME}, the value of the need `name` of type secret.",
    )
    timeout: Annotated[Duration, AfterValidator(positive), AfterValidator(_not_too_long)] = Field(
        default=timedelta(hours=1), description="Time limit of a run."
    )
    image: str | None = Field(
        default=None,
        description="Image with the code and its dependencies; by default the product's image with its version.",
    )
    cpu: Literal["1", "2", "4", "8"] = Field(default="1", description="Processors of a run.")
    memory: Literal["512Mi", "1Gi", "2Gi", "4Gi", "8Gi", "16Gi", "32Gi"] = Field(
        default="2Gi", description="Memory of a run."
    )
    retries: Annotated[int, Field(ge=0, le=10)] = Field(default=0, description="Number of retries of a failed run.")
