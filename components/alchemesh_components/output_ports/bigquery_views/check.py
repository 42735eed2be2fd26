"""Checks of bigquery-views before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.checks import storage_is
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.bigquery_views.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the storage is BigQuery."""
    yield from storage_is(wiring, ("bigquery-table",))
