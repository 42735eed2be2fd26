"""Checks of bigquery-dataset before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.checks import key_in_reach
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.bigquery_dataset.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the key is in the location of the dataset."""
    gcp = settings.gcp
    yield from key_in_reach(gcp.encryption_keys.bigquery, gcp.dataset_location, "datasets")
