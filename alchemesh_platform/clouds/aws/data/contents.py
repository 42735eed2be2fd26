"""The content of a table of Parquet files, from its manifest and the listing of its folder. No file is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alchemesh_platform.clouds.aws.client import Place
from alchemesh_platform.clouds.aws.services import code_of
from alchemesh_platform.data.folder import MANIFEST, Manifest


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a table. ``rows`` is None without a manifest: then only the files know."""

    rows: int | None
    bytes: int
    changed_at: datetime | None


def table_contents(client: Any, place: Place) -> Contents:
    """The content of the table in a folder.

    Raises:
        botocore.exceptions.ClientError: when the bucket does not exist, or cannot be read.
    """
    from botocore.exceptions import ClientError

    sizes: dict[str, int] = {}
    changed: datetime | None = None
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.folder):
        for item in page.get("Contents") or ():
            sizes[str(item["Key"]).removeprefix(place.folder)] = int(item["Size"])
            changed = max(changed, item["LastModified"]) if changed is not None else item["LastModified"]
    try:
        found = client.get_object(Bucket=place.bucket, Key=f"{place.folder}{MANIFEST}")
    except ClientError as error:
        if code_of(error) != "NoSuchKey":
            raise
        files = {name: size for name, size in sizes.items() if name.endswith(".parquet")}
        return Contents(None if files else 0, sum(files.values()), changed)
    manifest = Manifest.read(found["Body"].read())
    size = sum(sizes.get(name, 0) for name in manifest.files)
    return Contents(sum(manifest.files.values()), size, found["LastModified"])
