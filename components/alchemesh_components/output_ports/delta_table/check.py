"""Checks of delta-table before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.local.settings import Settings
from alchemesh_components.output_ports.delta_table.models import Args
from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that a model of the port has each partition property."""
    yield from check_partitions(args, wiring)


def check_partitions(args: Args, wiring: Wiring) -> Iterator[Objection]:
    """Check that a model of the port has each partition property."""
    known = list(dict.fromkeys(name for model in wiring.models.values() for name in model.properties))
    for index, name in enumerate(args.partition_by):
        if name not in known:
            yield Objection(
                f"found {name!r}, expected a property of a model of the port",
                at="args",
                path=("partition_by", index) if len(args.partition_by) > 1 else ("partition_by",),
                hint=did_you_mean(name, known),
            )
