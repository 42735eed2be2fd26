"""Arguments of airflow-dag."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from alchemesh_components.code.arguments import Entrypoint, RunArgs

# Arguments that describe a generated DAG. A team's own file says these things itself.
GENERATED = ("schedule", "time_zone", "on", "catch_up", "timeout", "retries", "retry_delay", "env")


class Args(RunArgs):
    """Arguments of code that Airflow runs: an entrypoint, for which the platform writes a DAG, or a DAG file."""

    entrypoint: Entrypoint | None = Field(
        default=None,
        description="Code to run: package.module:function, or the path of a script in the manifest's folder.",
    )
    dag: Annotated[str, StringConstraints(pattern=r"^[\w./-]+\.py$")] | None = Field(
        default=None,
        description="Path of the team's own DAG file in the manifest's folder, instead of an entrypoint. The platform "
        "delivers it unchanged.",
        examples=["dags/flights.py"],
    )
    dag_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=250)] | None = Field(
        default=None,
        description="With `dag`: id of the DAG that `alchemesh run` starts; by default domain__product.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.entrypoint is None) == (self.dag is None):
            raise ValueError("expected either entrypoint or dag")
        if self.dag is None and self.dag_id is not None:
            raise ValueError("expected dag beside dag_id: the DAG of an entrypoint is named domain__product")
        given = [
            name
            for name in GENERATED
            if getattr(self, name) != type(self).model_fields[name].get_default(call_default_factory=True)
        ]
        if self.dag is not None and given:
            raise ValueError(f"found {', '.join(given)} beside dag: set them in the DAG file")
        return self
