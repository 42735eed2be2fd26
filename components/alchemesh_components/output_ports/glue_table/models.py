"""Arguments of glue-table."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Arguments of columnar tables."""

    old_versions: Duration = Field(
        default=timedelta(days=7),
        description="Time in which replaced files can be restored, in whole days; S3 bills them until then.",
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the rows stay when the tables are removed.")
