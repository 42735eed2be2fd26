"""Arguments of service-identity."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Arguments of a service identity."""

    description: str = Field(default="", max_length=256, description="Workload that uses it.")
