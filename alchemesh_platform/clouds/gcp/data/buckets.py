"""Objects of Cloud Storage, for a product's code."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alchemesh_platform.data.errors import DataError
from alchemesh_platform.data.google_client import signed_in

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"  # the client reads it too
SCHEME = "gs://"


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, or a folder in it."""

    bucket: str
    folder: str  # empty, or with a slash at its end

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.folder}"


def place_of(url: str, folder: str = "") -> Place:
    """The bucket and the folder of an address: ``gs://bucket/folder``."""
    parts = urlsplit(url)
    inside = "/".join(part for part in (parts.path.strip("/"), folder.strip("/")) if part)
    return Place(parts.netloc, f"{inside}/" if inside else "")


def client_of(error: type[DataError], doing: str, environ: Mapping[str, str] = os.environ) -> Client:
    """A client that signs in as the code's own account.

    Args:
        error: The error to raise.
        doing: The beginning of its message.
        environ: Environment variables; an emulator needs no credentials.

    Raises:
        DataError: when the client is not installed, or finds no credentials.
    """

    def make() -> Client:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.storage import Client

        if environ.get(EMULATOR_VARIABLE):
            return Client(project="emulated", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
        return Client()

    return signed_in("google-cloud-storage", make, error, doing)


def source_objects(client: Client, place: Place) -> Iterator[Blob]:
    """The objects below a place by name, without those that are no data by their names: ``.part``, ``_SUCCESS``."""
    found = client.list_blobs(place.bucket, prefix=place.folder or None)
    for blob in sorted(found, key=lambda each: str(each.name)):
        name = PurePosixPath(blob.name).name
        if blob.size and not blob.name.endswith("/") and not name.startswith((".", "_")):
            yield blob


def local_name(blob: Blob) -> str:
    """A name for the copy of an object: an object may be named in any way, and a file may not."""
    digest = hashlib.sha256(str(blob.name).encode()).hexdigest()[:16]
    suffixes = "".join(PurePosixPath(blob.name).suffixes[-2:])
    return f"{digest}{suffixes if suffixes.replace('.', '').isalnum() else ''}"


def download(blob: Blob, folder: Path, number: int) -> Path:
    """A copy of one version of an object. Copies sort as the objects do."""
    path = folder / f"{number:09}-{local_name(blob)}"
    blob.download_to_filename(str(path), if_generation_match=blob.generation)
    return path
