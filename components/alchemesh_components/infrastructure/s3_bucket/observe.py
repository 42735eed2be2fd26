"""The health of a bucket. An empty one is not healthy: it has no data yet, or no data any more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from alchemesh_components.aws.observing import observed
from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation

MANIFEST = "_manifest.json"  # names the files that count: alchemesh_platform/data/folder.py
FILES_COUNTED = 10_000  # listing a larger bucket takes too long


def observe(connection: FilesConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Count the files of a bucket, up to a limit, with the rights of the current user.

    Args:
        connection: The bucket, or a folder in it.
        environ: Names the emulated AWS, if one is used.
    """
    from alchemesh_platform.clouds.aws.client import place_of
    from alchemesh_platform.clouds.aws.services import service_of

    place = place_of(connection.url)

    def look() -> Observation:
        pages = service_of("s3", environ).get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=place.bucket, Prefix=place.folder)
        return _files(islice((item for page in found for item in page.get("Contents") or ()), FILES_COUNTED + 1))

    return observed(connection.url, look)


def _files(listed: Iterable[Mapping[str, Any]]) -> Observation:
    files, size = 0, 0
    changed: datetime | None = None
    for item in listed:
        if str(item["Key"]).rpartition("/")[2] in {"", MANIFEST}:
            continue
        files, size = files + 1, size + int(item["Size"])
        changed = max(changed, item["LastModified"]) if changed else item["LastModified"]
    if files > FILES_COUNTED:
        return Observation("healthy", f"more than {FILES_COUNTED:,} files")
    if not files:
        return Observation("empty", "0 files", {"files": TableObservation(size_bytes=0)})
    words = f"{files:,} {'file' if files == 1 else 'files'}"
    return Observation("healthy", words, {"files": TableObservation(size_bytes=size, changed_at=changed)})
