"""The objects that hold the data of kinesis-stream."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.held import streams
from alchemesh_components.aws.settings import Settings
from alchemesh_components.output_ports.kinesis_stream.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """The stream of each model."""
    yield from streams(settings.aws, wiring)
