"""The objects that hold the data of gcs-bucket."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.held import bucket
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.gcs_bucket.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """The bucket."""
    yield from bucket(settings.gcp, wiring)
