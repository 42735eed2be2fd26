"""The objects that hold the data of bigquery-table."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.held import tables
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.bigquery_table.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """The dataset and its tables."""
    yield from tables(settings.gcp, wiring)
