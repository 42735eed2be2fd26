"""Arguments of a Python job."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

ENTRYPOINT_PATTERN = r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*|[\w./-]+\.py)$"
CRON_PATTERN = r"^\S+( \S+){4}$"


class Args(Strict):
    """Arguments of a Python job."""

    entrypoint: Annotated[str, StringConstraints(pattern=ENTRYPOINT_PATTERN)] = Field(
        description="Code to run: package.module:function, or the path of a script in the manifest's folder."
    )
    schedule: Annotated[str, StringConstraints(pattern=CRON_PATTERN)] | None = Field(
        default=None,
        description="Schedule, as a cron expression of five fields; on this machine, `alchemesh run` starts the job.",
    )
    env: dict[str, str | SecretRef] = Field(
        default_factory=dict, description="Environment variables: a text, or {secret: NAME}."
    )
    timeout: Duration = Field(default=timedelta(hours=1), description="Time limit of a run.")
