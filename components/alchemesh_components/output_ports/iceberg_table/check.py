"""Checks of iceberg-table before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.iceberg.settings import Settings
from alchemesh_components.output_ports.delta_table.check import check_partitions
from alchemesh_components.output_ports.delta_table.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.local.iceberg.partitions import why_no_partition


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that a model of the port has each partition property, with a type that partitions keep exactly."""
    yield from check_partitions(args, wiring)
    for index, name in enumerate(args.partition_by):
        for model in wiring.models.values():
            reason = why_no_partition(model.properties[name]) if name in model.properties else None
            if reason is not None:
                yield Objection(
                    f"rows cannot be grouped by {name}: {reason}",
                    at="args",
                    path=("partition_by", index) if len(args.partition_by) > 1 else ("partition_by",),
                    hint="give the property a `precision`, or group by another one",
                )
                break
