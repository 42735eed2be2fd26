"""Arguments of s3-bucket."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Arguments of object storage."""

    retention: Duration | None = Field(
        default=None,
        description="Age after which files are removed, in whole days; by default they are kept. Not for an output "
        "port, whose rows are files that a manifest lists.",
    )
    old_versions: Duration = Field(
        default=timedelta(days=30),
        description="Time in which an overwritten or removed file can be restored, in whole days.",
    )
    keep_on_destroy: bool = Field(
        default=True,
        description="Whether the bucket and its files stay when the storage is removed; otherwise the bucket is "
        "deleted, which S3 refuses while it has files.",
    )
