"""Checks of cloud-run-data-api before a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alchemesh_components.gcp.checks import image_in_reach, key_in_reach
from alchemesh_components.gcp.foundations import has_data_api_image
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.cloud_run_data_api.described import described
from alchemesh_components.output_ports.cloud_run_data_api.models import Args
from alchemesh_platform.base.units import format_duration
from alchemesh_platform.clouds.gcp.data_api.configuration import VARIABLES_BYTES_MAX
from alchemesh_platform.sdk.models import Property
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.local.data_api.serving.loading.columns import why_not_served


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the server has an image, and that it can read and serve the tables."""
    gcp = settings.gcp
    if {"rest", "graphql"} & set(wiring.protocols):
        if not has_data_api_image(gcp, wiring):
            yield Objection(
                "found no settings.gcp.data_api_image, expected the image that answers REST and GraphQL",
                hint="the platform file names it, an `image_repository`, or a `platform-foundation` that gives one; or "
                "the port asks for SQL alone",
            )
        yield from image_in_reach(gcp.data_api_image, at="component")
        yield from _served(args, settings, wiring)
    yield from key_in_reach(gcp.encryption_keys.cloud_run, gcp.region, "Cloud Run")


def _served(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the server can read each column, and that PostgreSQL can have it."""
    for name, model in wiring.models.items():
        for path in _tagged(model.properties, settings.gcp.policy_tags):
            yield Objection(
                "its column has a policy tag, expected none for REST and GraphQL, whose server may not read it",
                at="models",
                path=(name, *path),
                hint="the port asks for SQL alone, where each consumer needs the tag's right, or exposes a model "
                "without it",
            )
        for column in model.properties:
            if (reason := why_not_served(column)) is not None:
                yield Objection(
                    f"REST and GraphQL cannot serve a column {column!r}: {reason}",
                    at="models",
                    path=(name, "properties", column),
                    hint="rename the property, or the port asks for SQL alone",
                )
        if len(model.properties) > COLUMNS_MAX:
            yield Objection(
                f"found {len(model.properties):,} properties, expected at most {COLUMNS_MAX:,} for REST and GraphQL",
                at="models",
                path=(name, "properties"),
                hint="the port asks for SQL alone, or exposes a model with fewer properties",
            )
    if wiring.freshness is not None and args.refresh > wiring.freshness:
        yield Objection(
            f"REST and GraphQL are refreshed every {format_duration(args.refresh)}, and the contract promises a "
            f"freshness of {format_duration(wiring.freshness)}",
            at="args",
            path=("refresh",),
            hint="set a shorter `refresh`, promise a longer `freshness`, or offer SQL alone, which reads current rows",
        )
    size = len(described(args, wiring, [PLACE] * len(wiring.models)))
    if size > VARIABLES_BYTES_MAX:
        yield Objection(
            f"its tables and columns take {size:,} bytes, expected at most {VARIABLES_BYTES_MAX:,}, which Cloud Run "
            "gives a server",
            hint="the port exposes fewer models, or asks for SQL alone",
        )


# https://www.postgresql.org/docs/current/limits.html
COLUMNS_MAX = 1_600
# A long project.dataset.table: only a deployment knows the real one.
PLACE = ".".join(("p" * 30, "d" * 120, "t" * 50))


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
