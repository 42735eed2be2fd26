"""Settings for Kestra: the group ``kestra`` of the platform file's settings."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from alchemesh_components.local.settings import LocalSettings
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.sdk.models import Strict


class KestraSettings(Strict):
    """The Kestra server that runs flows, 1.x or 2.x. The platform starts none."""

    address: str = Field(
        pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$",
        description="Address of the server, as a browser opens it.",
        examples=["https://kestra.example"],
    )
    tenant: str = Field(
        default="main", pattern=r"^[a-z0-9][a-z0-9_-]*$", description="Tenant; `main` in the open source edition."
    )
    namespace: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)] | None = Field(
        default=None,
        description="Namespace above those of the products. Environments that share a server need one each.",
        examples=["prod"],
    )
    username: str | None = Field(default=None, description="User, with a password.")
    password: SecretRef | None = Field(default=None, description="The user's password.")
    token: SecretRef | None = Field(default=None, description="An API token of the enterprise edition, not a user.")
    ca_file: str | None = Field(default=None, description="PEM file of the authorities that may sign its certificate.")
    python: str | None = Field(
        default=None,
        description="Python with the platform on the machine of Kestra's workers; by default the one that runs "
        "alchemesh.",
    )

    @model_validator(mode="after")
    def _login(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("expected username and password together")
        if self.token is not None and self.username is not None:
            raise ValueError("expected either a token or a user with a password")
        return self

    def server(self) -> dict[str, Any]:
        """The server and the platform's login at it, with references to secrets only."""
        names = {"address", "tenant", "username", "password", "token", "ca_file"}
        return self.model_dump(mode="json", include=names, exclude_none=True)


class Settings(Strict):
    """Settings groups of the components on Kestra."""

    kestra: KestraSettings = Field(description="The Kestra server.")
    local: LocalSettings = Field(description="The embedded local platform, for the descriptions of jobs.")
