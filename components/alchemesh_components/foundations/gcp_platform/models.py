"""Arguments and outputs of gcp-platform."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Addresses that the platform file gives."""

    state: str = Field(description="Location of the products' state; for gs://…, the bucket is created.")
    registry: str = Field(
        default="", description="Location of the registry; for postgresql://…, the database server is created."
    )


class PlatformOutputs(Strict):
    """Outputs for products and people."""

    state_bucket: str | None = Field(description="Bucket of the state.")
    image_repository: str = Field(description="Repository of products' images.")
    mirror_repository: str = Field(description="Repository that mirrors images of ghcr.io.")
    data_api_image: str = Field(description="Image that answers REST and GraphQL. Build and push it once a version.")
    registry_connection: str | None = Field(description="Connection name of the registry's database.")
    observer: str | None = Field(
        default=None,
        description="Account of the job that observes all products; each port gives it a consumer's rights.",
    )
