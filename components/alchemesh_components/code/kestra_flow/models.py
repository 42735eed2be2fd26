"""Arguments of kestra-flow."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from alchemesh_components.code.arguments import Entrypoint, RunArgs

# Arguments that describe a generated flow. A team's own file says these things itself.
GENERATED = ("schedule", "time_zone", "on", "catch_up", "timeout", "retries", "retry_delay", "env", "flow_id")


class Args(RunArgs):
    """Arguments of code that Kestra runs: an entrypoint, for which the platform writes a flow, or a flow's file."""

    entrypoint: Entrypoint | None = Field(
        default=None,
        description="Code to run: package.module:function, or the path of a script in the manifest's folder.",
    )
    flow: Annotated[str, StringConstraints(pattern=r"^[\w./-]+\.ya?ml$")] | None = Field(
        default=None,
        description="Path of the team's own flow in the manifest's folder, instead of an entrypoint. The platform adds "
        "its namespace, labels, and the product's connections as the variable `alchemesh_connections`.",
        examples=["flows/flights.yaml"],
    )
    flow_id: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$", max_length=100)] = Field(
        default="code", description="With `entrypoint`: id of the flow. A team's own flow has its id in the file."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.entrypoint is None) == (self.flow is None):
            raise ValueError("expected either entrypoint or flow")
        if self.flow is not None and (given := [name for name in GENERATED if self._is_given(name)]):
            raise ValueError(f"found {', '.join(given)} beside flow: set them in the flow's file")
        return self

    def _is_given(self, name: str) -> bool:
        """Whether an argument has another value than its default."""
        default = type(self).model_fields[name].get_default(call_default_factory=True)
        return bool(getattr(self, name) != default)
