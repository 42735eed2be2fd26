"""Secrets and service identities: connections of needs on Google Cloud."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from alchemesh_platform.sdk.connections.base import Connection


class SecretConnection(Connection):
    """A secret: its location, never its value."""

    kind: Literal["secret"] = "secret"
    name: str = Field(description="Name in Secret Manager, projects/PROJECT/secrets/SECRET, or in AWS's.")


class IdentityConnection(Connection):
    """A service identity."""

    kind: Literal["identity"] = "identity"
    email: str = Field(description="Email of the service account.")
