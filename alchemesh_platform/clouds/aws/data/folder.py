"""Rows of buckets of S3: Parquet files with a manifest for each model, and the objects that others wrote.

The manifest is replaced by a conditional write, so of two writers one gets a conflict:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alchemesh_platform.clouds.aws.client import Place, place_of
from alchemesh_platform.clouds.aws.data.access import access, code_client
from alchemesh_platform.clouds.aws.data.ranges import opened
from alchemesh_platform.clouds.aws.services import NOT_FOUND, code_of
from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.errors import DataError, NotReadable, NotWritable
from alchemesh_platform.data.folder import MANIFEST, Changed, FolderData, Gone, ObjectStore
from alchemesh_platform.data.rows import Rows, needs

if TYPE_CHECKING:
    from alchemesh_platform.systems.local.landing.on_read import ReadFile

ABSENT: dict[str, str] = {"IfNoneMatch": "*"}
CONFLICTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
UNFINISHED = timedelta(days=1)  # no write takes longer
SUFFIX = ".parquet"


class BucketStore(ObjectStore):
    """The objects of one model in a bucket. Writers do not wait for each other: the later one gets a conflict."""

    def __init__(self, client: Any, place: Place) -> None:
        self._client = client
        self._place = place

    def read_manifest(self) -> tuple[bytes | None, Any]:
        from botocore.exceptions import ClientError

        with access(NotReadable, self._place):
            try:
                found = self._client.get_object(**self._at(MANIFEST))
            except ClientError as error:
                if code_of(error) == "NoSuchKey":
                    return None, ABSENT
                raise
            return found["Body"].read(), {"IfMatch": found["ETag"]}

    def write_manifest(self, content: bytes, token: Any) -> None:
        from botocore.exceptions import ClientError

        with access(NotWritable, self._place):
            try:
                self._client.put_object(**self._at(MANIFEST), Body=content, ContentType="application/json", **token)
            except ClientError as error:
                if code_of(error) in CONFLICTS:
                    raise Changed from error
                raise

    @contextmanager
    def create(self, name: str) -> Iterator[Any]:
        with tempfile.TemporaryFile(prefix="alchemesh-upload-") as file:
            yield file
            file.seek(0)
            with access(NotWritable, self._place):  # an object appears when its upload is complete
                place = self._at(name)
                self._client.upload_fileobj(file, place["Bucket"], place["Key"])

    def open(self, name: str) -> Any:
        from botocore.exceptions import ClientError

        with access(NotReadable, self._place):
            try:
                place = self._at(name)
                return opened(self._client, place["Bucket"], place["Key"])
            except ClientError as error:
                if code_of(error) in NOT_FOUND:
                    raise Gone from error
                raise

    def present(self) -> Iterable[str]:
        return [name for name, _item in self._objects()]

    def unlisted(self, known: Iterable[str]) -> Iterable[str]:
        names, before = set(known), datetime.now(UTC) - UNFINISHED
        return [name for name, item in self._objects() if name not in names and item["LastModified"] < before]

    def delete(self, name: str) -> None:
        with access(NotWritable, self._place):  # deleting an object that does not exist is no error
            self._client.delete_object(**self._at(name))

    def _at(self, name: str) -> dict[str, str]:
        return {"Bucket": self._place.bucket, "Key": f"{self._place.folder}{name}"}

    def _objects(self) -> Iterator[tuple[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2")
        with access(NotReadable, self._place):
            for page in pages.paginate(Bucket=self._place.bucket, Prefix=self._place.folder, Delimiter="/"):
                for item in page.get("Contents") or ():
                    name = PurePosixPath(item["Key"]).name
                    if name.endswith(SUFFIX) and not name.startswith((".", "_")):
                        yield name, item


class BucketData(FolderData):
    """Buckets with a folder for each model, and the objects that others wrote, which have no models."""

    name = "a bucket"

    def store(self, connection: Any, model: str) -> ObjectStore:
        return BucketStore(code_client("s3", DataError, f"model {model!r}"), place_of(connection.url, model))

    def read(self, source: Source) -> Rows:
        return read_objects(source) if source.model is None else super().read(source)


class ParquetTables(FolderData):
    """Tables of the Glue catalog: a folder of Parquet files for each model."""

    name = "a table of Parquet files"

    def store(self, connection: Any, model: str) -> ObjectStore:
        return BucketStore(code_client("s3", DataError, f"model {model!r}"), place_of(connection.tables[model]))


class AthenaTables(FolderData):
    """Tables of another product, which its data API offers by SQL. Their files are read at the place in the catalog."""

    name = "a table of Athena"
    modes = ()

    def store(self, connection: Any, model: str) -> ObjectStore:
        address = urlsplit(str(connection.sql))
        doing = f"model {model!r}"
        with access(NotReadable, f"table {model} of database {address.path.strip('/')}"):
            glue = code_client("glue", NotReadable, doing)
            found = glue.get_table(DatabaseName=address.path.strip("/"), Name=model)["Table"]
        return BucketStore(code_client("s3", NotReadable, doing), place_of(found["StorageDescriptor"]["Location"]))

    def read(self, source: Source) -> Rows:
        if source.model is None:
            raise NotReadable(f"port {source.port!r}: name the model to read")
        return super().read(source)


def read_objects(source: Source) -> Rows:
    """The rows of all objects of an input port, checked and typed at this moment.

    Raises:
        NotReadable: when there is no object, or one does not fit the schema that the port declares.
    """
    doing = f"input port {source.port!r}"
    needs("duckdb", "alchemesh-platform[aws]")
    from alchemesh_platform.systems.local.landing.on_read import landed_objects

    where = place_of(source.connection.url, (source.connection.reading or {}).get("folder", ""))

    def fetch(folder: Path) -> list[ReadFile]:
        with access(NotReadable, where):
            return list(_copies(code_client("s3", NotReadable, doing), where, folder))

    return landed_objects(source, str(where), fetch)


def _copies(client: Any, place: Place, folder: Path) -> Iterator[ReadFile]:
    """Copies of one version of each object by name, without those that are no data by their names: ``_SUCCESS``."""
    from alchemesh_platform.systems.local.landing.on_read import ReadFile

    pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.folder)
    found = sorted((item for page in pages for item in page.get("Contents") or ()), key=lambda item: str(item["Key"]))
    number = 0
    for item in found:
        key = str(item["Key"])
        if not item["Size"] or key.endswith("/") or PurePosixPath(key).name.startswith((".", "_")):
            continue
        path = folder / f"{number:09}-{_local_name(key)}"
        client.download_file(place.bucket, key, str(path))
        yield ReadFile(path, f"s3://{place.bucket}/{key}")
        number += 1


def _local_name(key: str) -> str:
    """A name for the copy of an object: an object may be named in any way, and a file may not."""
    suffixes = "".join(PurePosixPath(key).suffixes[-2:])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"{digest}{suffixes if suffixes.replace('.', '').isalnum() else ''}"


DATA = BucketData()
TABLES = ParquetTables()
ATHENA = AthenaTables()
