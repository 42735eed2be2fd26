"""Arguments of athena-sql."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Arguments of SQL by Athena."""

    query_gigabytes: int | None = Field(
        default=None,
        gt=0,
        description="Gigabytes that one query may scan; by default, and at most, the platform's limit.",
    )
