"""Counts of Parquet files in buckets. The size of the files is known, shown and limited before they are read."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from alchemesh_platform.base.units import size_in_words
from alchemesh_platform.clouds.gcp.data.buckets import Place, place_of
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.clouds.gcp.objects.services import storage_of
from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.folder import MANIFEST, FolderData, Gone, ObjectStore
from alchemesh_platform.quality.rows import RowTables
from alchemesh_platform.quality.tables import MeasuredPort, NotMeasurable, Tables

_SUFFIX = ".parquet"


def measure(port: MeasuredPort) -> Tables:
    """Measure a bucket with a folder of Parquet files for each model."""
    return BucketTables(port, storage_of(port.environ))


class BucketTables(RowTables):
    """Folders of a bucket."""

    def __init__(self, port: MeasuredPort, service: StorageRest) -> None:
        super().__init__(port)
        self._folders = _Folders(service)

    def view(self, model: str) -> str:
        if model not in self._views:
            self._check_size(model)
            source = Source(
                product=self.port.product,
                port=self.port.name,
                connection=self.port.connection,
                model=model,
                properties=self.port.models[model],
            )
            self._views[model] = self.made(model, self._folders.read(source))
        return self._views[model]

    def _check_size(self, model: str) -> None:
        limit = self.port.limits.bytes
        size = self._folders.opened(self.port.connection, model).size()
        if size > limit:
            raise NotMeasurable(
                f"the files have {size_in_words(size)}, and the limit is {size_in_words(limit)}: --max-bytes raises it"
            )
        words = f"{size_in_words(size)} of at most {size_in_words(limit)}"
        self.port.note(f"model {model} of {self.port.name}: reads {words}")


class _Folders(FolderData):
    """Folders of buckets, read by the JSON interface."""

    name = "a bucket"

    def __init__(self, service: StorageRest) -> None:
        self._service = service

    def store(self, connection: Any, model: str) -> ObjectStore:
        return self.opened(connection, model)

    def opened(self, connection: Any, model: str) -> _Objects:
        """The objects of a model."""
        return _Objects(self._service, place_of(connection.url, model))


class _Objects(ObjectStore):
    """The objects of one model, to read. A measurement writes nothing."""

    def __init__(self, service: StorageRest, place: Place) -> None:
        self._service = service
        self._place = place

    def size(self) -> int:
        """The bytes of its Parquet files."""
        listed = self._service.listed(self._place.bucket, prefix=self._place.folder)
        return sum(int(each.get("size") or 0) for each in listed if str(each["name"]).endswith(_SUFFIX))

    def read_manifest(self) -> tuple[bytes | None, Any]:
        return self._service.read(self._place.bucket, f"{self._place.folder}{MANIFEST}"), None

    def open(self, name: str) -> Any:
        content = self._service.read(self._place.bucket, f"{self._place.folder}{name}")
        if content is None:
            raise Gone
        return io.BytesIO(content)

    def present(self) -> Iterable[str]:
        names = (str(each["name"]) for each in self._service.listed(self._place.bucket, prefix=self._place.folder))
        return [name.removeprefix(self._place.folder) for name in names if name.endswith(_SUFFIX)]

    def write_manifest(self, content: bytes, token: Any) -> None:
        raise NotImplementedError

    def create(self, name: str) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def unlisted(self, known: Iterable[str]) -> Iterable[str]:
        raise NotImplementedError

    def delete(self, name: str) -> None:
        raise NotImplementedError
