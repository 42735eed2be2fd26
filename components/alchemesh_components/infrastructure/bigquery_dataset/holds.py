"""The objects that hold the data of bigquery-dataset."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.held import dataset
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.bigquery_dataset.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """The dataset."""
    yield from dataset(settings.gcp, wiring)
