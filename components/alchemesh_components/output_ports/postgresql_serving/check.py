"""Checks of a data API of this machine before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from alchemesh_components.local.settings import Settings
from alchemesh_components.output_ports.postgresql_serving.models import Args
from alchemesh_platform.base.units import format_duration
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.local.data_api.serving.loading.columns import why_not_served

FRESHNESS_MIN = timedelta(seconds=1)  # the loader looks for commits four times a second


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that PostgreSQL can have a column for each property, and that the copy can be as fresh as promised."""
    for name, model in wiring.models.items():
        for column in model.properties:
            if (reason := why_not_served(column)) is not None:
                yield Objection(
                    f"the data API cannot serve a column {column!r}: {reason}",
                    at="models",
                    path=(name, "properties", column),
                    hint="rename the property, or leave the port without a proxy",
                )
    yield from _freshness(args, wiring.freshness)
    web = [protocol for protocol in wiring.protocols if protocol != "sql"]
    if settings.local.postgresql_server is not None and web:
        yield Objection(
            f"{' and '.join(web)} cannot be served from a managed PostgreSQL: their server has no network",
            hint="offer SQL alone at this port, or leave `postgresql_server` out of the settings group `local`",
        )


def _freshness(args: Args, promised: timedelta | None) -> Iterator[Objection]:
    """Check the limit of the copy's lag against the promise of the contract."""
    if promised is None:
        return
    if promised < FRESHNESS_MIN:
        yield Objection(
            f"the contract promises a freshness of {format_duration(promised)}, and a serving copy follows its storage "
            f"within about {format_duration(FRESHNESS_MIN)}",
            hint=f"promise `freshness: {format_duration(FRESHNESS_MIN)}` or more",
        )
    allowed = args.limits.max_lag_seconds if args.limits and "max_lag_seconds" in args.limits.model_fields_set else None
    if allowed is not None and allowed > promised.total_seconds():
        yield Objection(
            f"the copy may be {allowed:g} s behind, and the contract promises a freshness of "
            f"{format_duration(promised)}",
            at="args",
            path=("limits", "max_lag_seconds"),
            hint="leave `max_lag_seconds` out, or promise a longer `freshness`",
        )
