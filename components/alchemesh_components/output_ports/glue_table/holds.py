"""The objects that hold the data of glue-table."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.held import bucket
from alchemesh_components.aws.settings import Settings
from alchemesh_components.output_ports.glue_table.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """The bucket. The tables of the catalog only describe its files."""
    yield from bucket(settings.aws, wiring, "data-bucket")
