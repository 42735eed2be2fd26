"""Checks of bigquery-table before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.checks import key_in_reach
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.bigquery_table.models import Args
from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.sdk.models import LogicalType
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.bigquery.columns import unfit

# https://cloud.google.com/bigquery/docs/partitioned-tables#date_timestamp_partitioned_tables
PARTITION_TYPES = (LogicalType.DATE, LogicalType.TIMESTAMP)
# https://cloud.google.com/bigquery/docs/creating-clustered-tables#limitations
NEVER_CLUSTERED = (LogicalType.OBJECT, LogicalType.ARRAY, LogicalType.TIME, LogicalType.NUMBER)


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the types of properties, the types of partition and cluster properties, and the location of the key."""
    for name, model in wiring.models.items():
        for found in unfit(model):
            yield Objection(
                f"found {found.found}, expected what a BigQuery table can hold",
                at="models",
                path=(name, *found.path),
                hint=found.hint,
            )
    yield from _partitions(args, wiring)
    yield from _clusters(args, wiring)
    if args.on_incompatible_change == "replace" and args.keep_on_destroy:
        yield Objection(
            "found replace with tables that are kept, expected keep_on_destroy: false with it",
            at="args",
            path=("on_incompatible_change",),
            hint="a table that may be re-created at any time cannot be kept",
        )
    gcp = settings.gcp
    yield from key_in_reach(gcp.encryption_keys.bigquery, gcp.dataset_location, "datasets")


def _partitions(args: Args, wiring: Wiring) -> Iterator[Objection]:
    if len(args.partition_by) > 1:
        yield Objection(
            f"found {len(args.partition_by)} properties, expected one: BigQuery partitions a table by one column",
            at="args",
            path=("partition_by", 1),
            hint="`cluster_by` takes up to four others",
        )
    for index, name in enumerate(args.partition_by):
        path = ("partition_by", index) if len(args.partition_by) > 1 else ("partition_by",)
        yield from _known(name, path, wiring)
        wrong = [kind for kind in _types(name, wiring) if kind not in PARTITION_TYPES]
        if wrong:
            yield Objection(
                f"found {name!r}, which is of type {wrong[0].value}, expected a date or a timestamp",
                at="args",
                path=path,
                hint="BigQuery partitions by day; `cluster_by` takes properties of other types",
            )


def _clusters(args: Args, wiring: Wiring) -> Iterator[Objection]:
    for index, name in enumerate(args.cluster_by):
        path = ("cluster_by", index) if len(args.cluster_by) > 1 else ("cluster_by",)
        yield from _known(name, path, wiring)
        wrong = [kind for kind in _types(name, wiring) if kind in NEVER_CLUSTERED]
        if wrong:
            yield Objection(
                f"found {name!r}, which is of type {wrong[0].value}, expected a type that BigQuery sorts rows by",
                at="args",
                path=path,
                hint="string, integer, boolean, date and timestamp are",
            )


def _known(name: str, path: tuple[str | int, ...], wiring: Wiring) -> Iterator[Objection]:
    known = list(dict.fromkeys(name for model in wiring.models.values() for name in model.properties))
    if name not in known:
        yield Objection(
            f"found {name!r}, expected a property of a model of the port",
            at="args",
            path=path,
            hint=did_you_mean(name, known),
        )


def _types(name: str, wiring: Wiring) -> list[LogicalType]:
    return [model.properties[name].type for model in wiring.models.values() if name in model.properties]
