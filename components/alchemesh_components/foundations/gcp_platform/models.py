"""Arguments and outputs of gcp-platform."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Addresses that the platform file gives."""

    state: str = Field(description="Where products' state is kept; a bucket of that name is made for gs://…")
    registry: str = Field(default="", description="Where the registry is; a database is made for postgresql://…")


class PlatformOutputs(Strict):
    """Outputs for products and people."""

    state_bucket: str | None = Field(description="Bucket of the state.")
    image_repository: str = Field(description="Repository of products' images.")
    mirror_repository: str = Field(description="Repository through which images of ghcr.io are had, such as roapi's.")
    data_api_image: str = Field(description="Image of roapi, which answers REST and GraphQL.")
    registry_connection: str | None = Field(description="Connection name of the registry's database.")
