"""Checks of cloud-run-data-api before a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alchemesh_components.gcp.checks import image_in_reach, key_in_reach
from alchemesh_components.gcp.foundations import has_platform
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.cloud_run_data_api.models import Args
from alchemesh_platform.base.units import format_duration
from alchemesh_platform.sdk.models import Property
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the image can be pulled, and that the keys are in the locations of the server and the files."""
    served = {"rest", "graphql"} & set(wiring.protocols)
    if served and settings.gcp.data_api_image is None and not has_platform(wiring):
        yield Objection(
            "found no settings.gcp.data_api_image, expected the image of roapi that answers REST and GraphQL",
            hint="the platform file names one or a `platform-foundation` that gives it, or the port asks for SQL alone",
        )
    if served:
        yield from image_in_reach(settings.gcp.data_api_image, at="component")
        for name, model in wiring.models.items():
            for path in _tagged(model.properties, settings.gcp.policy_tags):
                yield Objection(
                    "its column has a policy tag, expected none for REST and GraphQL, whose export may not read it",
                    at="models",
                    path=(name, *path),
                    hint="the port asks for SQL alone, where each consumer needs the tag's right, or exposes a model "
                    "without it",
                )
    if served and wiring.freshness is not None and args.refresh > wiring.freshness:
        yield Objection(
            f"REST and GraphQL are refreshed every {format_duration(args.refresh)}, and the contract promises a "
            f"freshness of {format_duration(wiring.freshness)}",
            at="args",
            path=("refresh",),
            hint="set a shorter `refresh`, promise a longer `freshness`, or offer SQL alone, which reads current rows",
        )
    if served and not _reached(settings.gcp.dataset_location, settings.gcp.region):
        yield Objection(
            f"the tables are in {settings.gcp.dataset_location} and their export for REST and GraphQL in "
            f"{settings.gcp.region}, expected both in one place",
            hint="settings.gcp.bigquery_location is the region or the multi-region around it; or the port asks for SQL "
            "alone",
        )
    keys = settings.gcp.encryption_keys
    yield from key_in_reach(keys.cloud_run, settings.gcp.region, "Cloud Run")
    yield from key_in_reach(keys.storage, settings.gcp.region, "buckets")


def _tagged(properties: Mapping[str, Property], tags: Mapping[str, str], *above: str) -> Iterator[tuple[str, ...]]:
    """The places of properties with a policy tag, whose column BigQuery shows only to users with a separate right."""
    for name, declared in properties.items():
        place = (*above, "properties", name)
        held = declared.items or declared
        if held.properties:
            below = (*place, "items") if declared.items else place
            yield from _tagged(held.properties, tags, *below)
        elif (declared.classification or held.classification) in tags:
            yield place


# https://cloud.google.com/bigquery/docs/locations#multi-regions: regions that the multi-region EU does not include
OUTSIDE_EU = ("europe-west2", "europe-west6")


def _reached(dataset: str, bucket: str) -> bool:
    """Whether BigQuery can export from the location of a dataset to that of a bucket.

    Source: https://cloud.google.com/bigquery/docs/exporting-data#data-locations
    """
    if dataset == "EU":
        return bucket.startswith("europe-") and bucket not in OUTSIDE_EU
    return dataset in ("US", bucket)
