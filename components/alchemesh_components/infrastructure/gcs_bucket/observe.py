"""The health of a bucket. An empty one is not healthy: it has no data yet, or no data any more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from alchemesh_components.gcp.observing import observed
from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation

MANIFEST = "_manifest.json"  # names the files that count: alchemesh_platform/data/folder.py
FILES_COUNTED = 10_000  # listing a larger bucket takes too long


def observe(connection: FilesConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Count the files of a bucket, up to a limit, with the rights of the current user.

    Args:
        connection: The bucket.
        environ: Names the emulator of Cloud Storage, if one is used.
    """
    from alchemesh_platform.clouds.gcp.objects.services import storage_of

    address = urlsplit(connection.url)
    prefix = address.path.lstrip("/")

    def look() -> Observation:
        listed = storage_of(environ).listed(address.netloc, **({"prefix": prefix} if prefix else {}))
        return _files(islice(listed, FILES_COUNTED + 1))

    return observed(connection.url, look)


def _files(listed: Iterable[Mapping[str, Any]]) -> Observation:
    files, size, changed = 0, 0, ""
    for item in listed:
        if str(item.get("name")).rpartition("/")[2] == MANIFEST:
            continue
        files, size = files + 1, size + int(item.get("size") or 0)
        changed = max(changed, str(item.get("updated") or ""))
    if files > FILES_COUNTED:
        return Observation("healthy", f"more than {FILES_COUNTED:,} files")
    if not files:
        return Observation("empty", "0 files", {"files": TableObservation(size_bytes=0)})
    return Observation(
        "healthy",
        f"{files:,} {'file' if files == 1 else 'files'}",
        {"files": TableObservation(size_bytes=size, changed_at=datetime.fromisoformat(changed) if changed else None)},
    )
