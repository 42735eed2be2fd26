"""Arguments of local-directory."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """Arguments of object storage."""

    retention: Duration | None = Field(
        default=None, description="Age after which files are removed; by default they are kept."
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the files stay when the storage is removed.")
