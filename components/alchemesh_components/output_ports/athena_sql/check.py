"""Checks of athena-sql before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.settings import Settings
from alchemesh_components.output_ports.athena_sql.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the limit of a query is within the platform's."""
    limit = settings.aws.query_gigabytes_max
    if args.query_gigabytes is not None and args.query_gigabytes > limit:
        yield Objection(
            f"found {args.query_gigabytes}, expected at most {limit}, the limit of the platform",
            at="args",
            path=("query_gigabytes",),
            hint="the platform file has settings.aws.query_gigabytes_max",
        )
