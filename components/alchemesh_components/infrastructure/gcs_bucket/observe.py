"""The health of a bucket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from alchemesh_platform.base.extras import install_command
from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation

FILES_COUNTED = 10_000  # listing a larger bucket takes too long


def observe(connection: FilesConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Count the files of a bucket, up to a limit, with the rights of the current user.

    Args:
        connection: The bucket.
        environ: Names the emulator of Cloud Storage, if one is used.
    """
    try:
        from google.api_core.exceptions import NotFound
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.storage import Client
    except ImportError:
        remedy = install_command("alchemesh-platform[gcp]")
        return Observation("unknown", f"google-cloud-storage is not installed: {remedy}")
    address = urlsplit(connection.url)
    emulator = environ.get("STORAGE_EMULATOR_HOST")
    client = (
        Client(
            project="emulated",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": emulator},
        )
        if emulator
        else Client()
    )
    files, size, changed = 0, 0, None
    try:
        listed = client.list_blobs(
            address.netloc, prefix=address.path.lstrip("/") or None, max_results=FILES_COUNTED + 1
        )
        for blob in listed:
            files, size = files + 1, size + (blob.size or 0)
            changed = max(filter(None, (changed, blob.updated)), default=None)
    except NotFound:
        return Observation("unhealthy", f"{connection.url} is not there")
    if files > FILES_COUNTED:
        return Observation("healthy", f"more than {FILES_COUNTED:,} files")
    return Observation(
        "healthy",
        f"{files:,} {'file' if files == 1 else 'files'}",
        {"files": TableObservation(size_bytes=size, changed_at=changed)},
    )
