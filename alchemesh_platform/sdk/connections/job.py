"""Jobs: the connection of a product's code."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from alchemesh_platform.sdk.connections.base import Connection


class JobConnection(Connection):
    """A job of the product's own code."""

    role: ClassVar[Literal["storage", "proxy", "code"]] = "code"

    kind: Literal["job"] = "job"
    entrypoint: str = Field(description="Script or function that the job runs.")
    schedule: str | None = Field(default=None, description="Cron expression, where it has one.")
    descriptor: str | None = Field(default=None, description="File with the description of the job.")
