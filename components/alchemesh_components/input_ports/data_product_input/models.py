"""What can be set for an input from another data product: nothing."""

from __future__ import annotations

from alchemesh_platform.manifest.models import Strict


class Args(Strict):
    """The origin says it all."""


class Settings(Strict):
    """The registry says where the origin is."""
