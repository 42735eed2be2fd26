"""The health of a folder."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation


def observe(connection: FilesConnection) -> Observation:
    """Count the folder's files, without hidden ones."""
    folder = connection.path
    if not folder.is_dir():
        return Observation("unhealthy", f"{folder} is not there")
    files, size, changed = 0, 0, 0.0
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                info = os.stat(os.path.join(parent, name))  # noqa: PTH116, PTH118 - a Path for each file doubles the time
                files, size, changed = files + 1, size + info.st_size, max(changed, info.st_mtime)
    changed_at = datetime.fromtimestamp(changed, UTC) if files else None
    return Observation(
        "healthy",
        f"{files:,} {'file' if files == 1 else 'files'}",
        {"files": TableObservation(size_bytes=size, changed_at=changed_at)},
    )
