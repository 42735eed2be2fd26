"""Counts of Parquet files in S3. The size of the files is known, shown and limited before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alchemesh_platform.base.units import size_in_words
from alchemesh_platform.clouds.aws.client import client_of, place_of
from alchemesh_platform.clouds.aws.data.contents import table_contents
from alchemesh_platform.clouds.aws.data.folder import BucketStore
from alchemesh_platform.clouds.aws.services import answered
from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.folder import FolderData, ObjectStore
from alchemesh_platform.quality.rows import RowTables
from alchemesh_platform.quality.tables import MeasuredPort, NotMeasurable, Tables


def measure(port: MeasuredPort) -> Tables:
    """Measure a bucket, or tables, with a folder of Parquet files for each model."""
    return S3Tables(port)


class S3Tables(RowTables):
    """Folders of Parquet files."""

    def view(self, model: str) -> str:
        if model not in self._views:
            folders = _Folders(self.port.environ)
            self._check_size(model, folders)
            source = Source(
                product=self.port.product,
                port=self.port.name,
                connection=self.port.connection,
                model=model,
                properties=self.port.models[model],
            )
            self._views[model] = self.made(model, folders.read(source))
        return self._views[model]

    def _check_size(self, model: str, folders: _Folders) -> None:
        limit = self.port.limits.bytes
        with answered(f"model {model} of {self.port.name}"):
            size = table_contents(folders.client, place_of(_url(self.port.connection, model))).bytes
        if size > limit:
            raise NotMeasurable(
                f"the files have {size_in_words(size)}, and the limit is {size_in_words(limit)}: --max-bytes raises it"
            )
        words = f"{size_in_words(size)} of at most {size_in_words(limit)}"
        self.port.note(f"model {model} of {self.port.name}: reads {words}")


class _Folders(FolderData):
    """Folders of S3, read with the variables of the environment."""

    name = "a bucket"

    def __init__(self, environ: Mapping[str, str]) -> None:
        with answered("s3"):
            self.client = client_of("s3", environ)

    def store(self, connection: Any, model: str) -> ObjectStore:
        return BucketStore(self.client, place_of(_url(connection, model)))


def _url(connection: Any, model: str) -> str:
    """The folder of a model: of a table, or below a bucket."""
    return str(connection.tables[model]) if connection.kind == "tables" else f"{connection.url}/{model}"
