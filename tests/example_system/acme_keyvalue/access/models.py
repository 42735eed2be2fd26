"""Arguments and settings: there are none."""

from __future__ import annotations

from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """No arguments."""


class Settings(Strict):
    """No settings."""
