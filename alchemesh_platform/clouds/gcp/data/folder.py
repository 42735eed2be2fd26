"""Rows of buckets: Parquet files with a manifest for each model, and the objects that an ingestion wrote.

The manifest is replaced with ``ifGenerationMatch``, so of two writers one gets a conflict:
https://cloud.google.com/storage/docs/request-preconditions
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.clouds.gcp.data.buckets import Place, client_of, place_of
from alchemesh_platform.clouds.gcp.data.ingested import read_ingested
from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.errors import DataError, NotReadable, NotWritable
from alchemesh_platform.data.folder import MANIFEST, Changed, FolderData, Gone, ObjectStore
from alchemesh_platform.data.rows import Rows

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

ABSENT = 0  # the generation of an object that does not exist
UNFINISHED = timedelta(days=1)  # no write takes longer
CHUNK_BYTES = 8 * 1024**2
SUFFIX = ".parquet"


class BucketStore(ObjectStore):
    """The objects of one model in a bucket. Writers do not wait for each other: the later one gets a conflict."""

    def __init__(self, client: Client, place: Place) -> None:
        self._client = client
        self._bucket = client.bucket(place.bucket)
        self._place = place

    def read_manifest(self) -> tuple[bytes | None, Any]:
        from google.api_core.exceptions import NotFound, PreconditionFailed

        with self._access(NotReadable):
            while (found := self._bucket.get_blob(f"{self._place.folder}{MANIFEST}")) is not None:
                try:
                    return found.download_as_bytes(if_generation_match=found.generation), found.generation
                except (NotFound, PreconditionFailed):  # replaced in between: its next version is there
                    continue
            return None, ABSENT

    def write_manifest(self, content: bytes, token: Any) -> None:
        from google.api_core.exceptions import PreconditionFailed

        with self._access(NotWritable):
            try:
                self._blob(MANIFEST).upload_from_string(content, "application/json", if_generation_match=token)
            except PreconditionFailed as error:
                raise Changed from error

    @contextmanager
    def create(self, name: str) -> Iterator[Any]:
        with tempfile.TemporaryFile(prefix="alchemesh-upload-") as file:
            yield file
            file.seek(0)
            with self._access(NotWritable):  # an object appears when its upload is complete
                self._blob(name).upload_from_file(file, if_generation_match=ABSENT)

    def open(self, name: str) -> Any:
        with self._access(NotReadable):
            found = self._bucket.get_blob(f"{self._place.folder}{name}")
            if found is None:
                raise Gone
            return found.open("rb", chunk_size=CHUNK_BYTES)

    def present(self) -> Iterable[str]:
        return [name for name, _blob in self._objects()]

    def unlisted(self, known: Iterable[str]) -> Iterable[str]:
        names, before = set(known), datetime.now(UTC) - UNFINISHED
        return [name for name, blob in self._objects() if name not in names and blob.updated < before]

    def delete(self, name: str) -> None:
        from google.api_core.exceptions import NotFound

        with self._access(NotWritable):
            try:
                self._blob(name).delete()
            except NotFound:
                return

    def _blob(self, name: str) -> Blob:
        return self._bucket.blob(f"{self._place.folder}{name}")

    def _objects(self) -> Iterator[tuple[str, Blob]]:
        with self._access(NotReadable):
            for blob in self._client.list_blobs(self._place.bucket, prefix=self._place.folder, delimiter="/"):
                name = PurePosixPath(blob.name).name
                if name.endswith(SUFFIX) and not name.startswith("."):
                    yield name, blob

    @contextmanager
    def _access(self, error: type[DataError]) -> Iterator[None]:
        """Turn errors of Cloud Storage into those of rows."""
        from google.api_core.exceptions import Forbidden, GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        verb, done = ("read", "read") if error is NotReadable else ("write", "written")
        try:
            yield
        except Forbidden as refused:
            raise error(
                f"the account of this code may not {verb} {self._place}",
                hint=remedy("{} gives it the right", command("up", about_product=True)),
            ) from refused
        except (GoogleAPIError, GoogleAuthError) as failed:
            raise error(f"{self._place} cannot be {done}: {failed}", hint="run the code again") from failed


class BucketData(FolderData):
    """Buckets with a folder for each model, and the objects that an ingestion wrote, which have no models."""

    name = "a bucket"

    def store(self, connection: Any, model: str) -> ObjectStore:
        return BucketStore(client_of(DataError, f"model {model!r}"), place_of(connection.url, model))

    def read(self, source: Source) -> Rows:
        return read_ingested(source) if source.model is None else super().read(source)


DATA = BucketData()
