"""Arguments of secrets-manager-secret."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Arguments of a secret. Its value is set by whoever knows it: `aws secretsmanager put-secret-value`."""

    keep_on_destroy: bool = Field(
        default=True, description="Whether the secret and its value stay when the need is removed."
    )
