"""Checks of s3-bucket before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.checks import key_in_region, whole_days
from alchemesh_components.aws.settings import Settings
from alchemesh_components.infrastructure.s3_bucket.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.spec import Role
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check durations, and that the key is in the region of the bucket."""
    yield from whole_days(args.retention, "retention")
    if args.retention is not None and wiring.role == Role.STORAGE:
        yield Objection(
            "found a retention, expected none: the rows of a port are files that a manifest lists, and S3 would remove "
            "both by their age",
            at="args",
            path=("retention",),
            hint="let the code remove old rows: it writes with replace_where or overwrite",
        )
    yield from whole_days(args.old_versions, "old_versions")
    yield from key_in_region(settings.aws.encryption_keys.s3, settings.aws, "buckets")
