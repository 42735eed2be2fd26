"""Arguments of postgresql-serving."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from alchemesh_platform.sdk.models import Strict
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits

Port = Annotated[int, Field(ge=1024, le=65535)]


class Args(Strict):
    """Arguments of a data API."""

    http_port: Port | None = Field(
        default=None, description="Port of REST and GraphQL; by default a free port, chosen once."
    )
    postgres_port: Port | None = Field(
        default=None, description="Port of the PostgreSQL protocol; by default a free port, chosen once."
    )
    limits: Limits | None = Field(
        default=None, description="Limits of consumers, and the size and lag of the copy that serves them."
    )
