"""Jobs: the connection of a product's code."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from alchemesh_platform.sdk.connections.base import Connection


class JobConnection(Connection):
    """A job of the product's own code."""

    role: ClassVar[Literal["storage", "proxy", "code"]] = "code"

    kind: Literal["job"] = "job"
    entrypoint: str = Field(description="Script or function that the job runs.")
    schedule: str | None = Field(default=None, description="Cron expression, where it has one.")
    time_zone: str | None = Field(default=None, description="Time zone of the schedule; UTC without one.")
    descriptor: str | None = Field(default=None, description="File with the description of the job.")
    engine: str | None = Field(default=None, description="Engine that starts the job, where it is one of its own.")
    engine_address: str | None = Field(default=None, description="Address of the engine.")
    engine_job: str | None = Field(
        default=None, description="Name of the job in the engine: id of a DAG or flow, location and job, function."
    )
    event_log: str | None = Field(
        default=None, description="Folder of event logs, with a folder for each run, by the id of the run."
    )
    engine_login: dict[str, Any] | None = Field(
        default=None, description="Sign-in of the platform at the engine; secrets by reference."
    )
