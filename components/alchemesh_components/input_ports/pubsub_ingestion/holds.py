"""The objects that hold the data of pubsub-ingestion."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.held import LANDING, bucket
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.input_ports.pubsub_ingestion.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """The bucket that files land in."""
    yield from bucket(settings.gcp, wiring, LANDING)
