"""Checks of glue-table before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.checks import key_in_region, whole_days
from alchemesh_components.aws.settings import Settings
from alchemesh_components.output_ports.glue_table.models import Args
from alchemesh_platform.clouds.aws.columns import unfit
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the models fit into tables, and that the key is in the region of the bucket."""
    for name, model in wiring.models.items():
        for found in unfit(model):
            yield Objection(f"found {found.found}", at="models", path=(name, *map(str, found.path)), hint=found.hint)
    yield from whole_days(args.old_versions, "old_versions")
    yield from key_in_region(settings.aws.encryption_keys.s3, settings.aws, "buckets")
