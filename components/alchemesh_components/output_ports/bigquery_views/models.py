"""Arguments of bigquery-views: none."""

from __future__ import annotations

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """The port says which models are shown."""
