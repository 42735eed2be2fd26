"""Arguments of dagster-job."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from alchemesh_components.code.arguments import Entrypoint, RunArgs

JOB_PATTERN = r"^[A-Za-z0-9_]+$"  # https://docs.dagster.io/api/dagster/jobs: names of definitions


class Args(RunArgs):
    """Arguments of a job of Dagster."""

    entrypoint: Entrypoint | None = Field(
        default=None,
        description="Code to run as a job of Dagster: package.module:function, or the path of a script in the "
        "manifest's folder.",
    )
    definitions: Annotated[str, StringConstraints(pattern=r"^[\w./-]+\.py$")] | None = Field(
        default=None,
        description="Instead of an entrypoint: a Python file in the manifest's folder with the team's own Definitions "
        "of Dagster.",
    )
    job: Annotated[str, StringConstraints(pattern=JOB_PATTERN)] | None = Field(
        default=None,
        description="Name of the job that `alchemesh run` starts; by default `code`, or all assets of the definitions.",
    )

    @model_validator(mode="after")
    def _one_kind_of_code(self) -> Self:
        if (self.entrypoint is None) == (self.definitions is None):
            raise ValueError("expected one of `entrypoint` and `definitions`")
        return self
