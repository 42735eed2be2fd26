"""Checks of gcs-bucket before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.checks import key_in_reach, whole_days
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.gcs_bucket.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that durations are whole days, and that the key is in the location of the bucket."""
    yield from whole_days(args.retention, "retention")
    yield from whole_days(args.old_versions, "old_versions")
    yield from key_in_reach(settings.gcp.encryption_keys.storage, settings.gcp.region, "buckets")
