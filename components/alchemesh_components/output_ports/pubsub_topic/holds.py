"""The objects that hold the data of pubsub-topic."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.held import topics
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.pubsub_topic.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """A topic for each model."""
    yield from topics(settings.gcp, wiring)
