"""Arguments and outputs of aws-platform."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Addresses that the platform file gives."""

    state: str = Field(description="Location of the products' state; for s3://…, the bucket is created.")
    registry: str = Field(
        default="", description="Location of the registry; for postgresql://…, the database server is created."
    )


class PlatformOutputs(Strict):
    """Outputs for products and people."""

    state_bucket: str | None = Field(description="Bucket of the state.")
    image_repository: str = Field(description="Repository of products' images.")
    registry_address: str | None = Field(default=None, description="Host of the registry's server.")
    registry_secret: str | None = Field(
        default=None, description="ARN of the secret with the password of the registry's administrator."
    )
