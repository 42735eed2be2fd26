"""Settings for Dagster: the group ``dagster`` of the platform file's settings."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from alchemesh_components.local.settings import LocalSettings
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.sdk.models import Strict


class DagsterSettings(Strict):
    """The Dagster that runs jobs. Without an address, the platform starts one on this machine."""

    home: str | None = Field(
        default=None,
        description="Folder on this machine of Dagster and of its code servers; by default `dagster` in `local.run`.",
    )
    address: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$",
        description="Address of the webserver of a Dagster that the platform team runs.",
        examples=["https://dagster.acme.example"],
    )
    token: SecretRef | None = Field(default=None, description="Token that requests carry, as Dagster+ expects it.")
    workspace: str | None = Field(
        default=None,
        pattern="^/",
        description="The workspace file that its webserver and daemon read. `up` writes the code servers of products "
        "into it.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address of this machine that code servers listen on, and at which Dagster reaches them.",
    )

    @model_validator(mode="after")
    def _workspace_of_address(self) -> Self:
        if (self.address is None) != (self.workspace is None):
            raise ValueError("found one of `address` and `workspace`, expected both or neither")
        return self


class Settings(Strict):
    """Settings groups of the components on Dagster."""

    local: LocalSettings = Field(description="The embedded local platform.")
    dagster: DagsterSettings = Field(default_factory=DagsterSettings, description="Dagster.")
