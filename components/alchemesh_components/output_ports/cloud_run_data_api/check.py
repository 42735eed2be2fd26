"""What cloud-run-data-api cannot do as it is asked."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp_checks import key_in_reach, storage_is
from alchemesh_components.gcp_foundations import has_platform
from alchemesh_components.gcp_settings import Settings
from alchemesh_components.output_ports.cloud_run_data_api.models import Args
from alchemesh_platform.catalog.objection import Objection
from alchemesh_platform.catalog.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Tables of BigQuery are served; the keys are where server and files are."""
    yield from storage_is(wiring, ("bigquery-table",))
    served = {"rest", "graphql"} & set(wiring.protocols)
    if served and settings.gcp.data_api_image is None and not has_platform(wiring):
        yield Objection(
            "found no settings.gcp.data_api_image, expected the image of roapi that answers REST and GraphQL",
            hint="the platform file names one or a `platform-foundation` that gives it, or the port asks for SQL alone",
        )
    keys = settings.gcp.encryption_keys
    yield from key_in_reach(keys.cloud_run, settings.gcp.region, "Cloud Run")
    yield from key_in_reach(keys.storage, settings.gcp.region, "buckets")
