"""Checks of a data API of this machine before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.local.settings import Settings
from alchemesh_components.output_ports.postgresql_serving.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.local.data_api.serving.columns import why_not_served


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that PostgreSQL can have a column for each property."""
    for name, model in wiring.models.items():
        for column in model.properties:
            if (reason := why_not_served(column)) is not None:
                yield Objection(
                    f"the data API cannot serve a column {column!r}: {reason}",
                    at="models",
                    path=(name, "properties", column),
                    hint="rename the property, or leave the port without a proxy",
                )
