"""Arguments of an input from another data product: none."""

from __future__ import annotations

from pydantic import Field

from alchemesh_components.local.settings import LocalSettings
from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    """The origin says it all."""


class Settings(Strict):
    """The registry says where the origin is."""

    local: LocalSettings | None = Field(
        default=None, description="The embedded local platform, for the file with the credential of a local data API."
    )
