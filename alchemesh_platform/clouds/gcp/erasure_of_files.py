"""Erase rows of Parquet files in buckets: of the files that the manifest of a model names, with their former versions.

The files are written again without the rows, then the manifest is replaced in one step, then every version of the
former files is deleted. Readers see the rows before or after the erasure. A repeated call deletes what a killed one
left. In a folder without a manifest, each file is replaced in one step.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.clouds.gcp.data.buckets import Place, place_of
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.erasure import condition
from alchemesh_platform.clouds.gcp.objects.services import storage
from alchemesh_platform.data.folder import MANIFEST, Manifest
from alchemesh_platform.data.in_memory import open_duckdb
from alchemesh_platform.machine.files import count
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.system.erasure import ErasedRows, Erasure, NotErasable

if TYPE_CHECKING:
    import pyarrow as pa

    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.connections.ports import PortConnections

PRECONDITION_FAILED = 412
SUFFIX = ".parquet"
ABSENT = "0"  # the generation of an object that does not exist


@dataclass(frozen=True)
class BucketErasure(Erasure):
    """Rows of Parquet files in buckets.

    Args:
        platform: The environment.
    """

    platform: Platform | None = None

    def at(self, platform: Platform) -> Erasure:
        return BucketErasure(platform)

    def count(self, port: PortConnections, model: str, where: str) -> int:
        folder = self._folder(port, model)
        return sum(without(folder.read(name), where)[1] for name in folder.current().names)

    def erase(
        self, port: PortConnections, model: str, where: str, report: Callable[[str], None], begun: Callable[[int], None]
    ) -> ErasedRows:
        folder = self._folder(port, model)
        current = folder.current()
        counts = {name: without(folder.read(name), where)[1] for name in current.names}
        rows = sum(counts.values())
        begun(rows)
        if rows:
            folder.replace(current, {name for name, erased in counts.items() if erased}, where)
            report(f"erased {count(rows, 'row')} of model {model}")
        files = folder.remove_former()
        report(f"removed {count(files, 'former version')} of the files of model {model}")
        return ErasedRows(rows, files)

    def remains(self, port: PortConnections, model: str) -> str:
        return (
            "Cloud Storage can restore deleted files for the time of the bucket's soft-delete policy, 7 days by default"
        )

    def _folder(self, port: PortConnections, model: str) -> _Folder:
        if self.platform is None or not isinstance(port.storage, FilesConnection):
            raise NotErasable("its storage is no bucket")
        folder = _Folder(storage(self.platform), place_of(port.storage.url, model))
        if not folder.current().names:
            raise NotErasable(
                f"{folder.place} has no Parquet files",
                hint="rows are erased of Parquet files in the folder of their model; delete other files with the means "
                "of the service",
            )
        return folder


@dataclass(frozen=True, slots=True)
class _Current:
    """The files that count: those of the manifest, or all where there is none. Each with its generation."""

    names: dict[str, str]
    manifest: Manifest | None = None
    generation: str = ABSENT
    written_at: str = ""


@dataclass(frozen=True, slots=True)
class _Folder:
    """The files of one model."""

    service: StorageRest
    place: Place

    def current(self) -> _Current:
        """The files that count."""
        live = {name: item for name, item in self._items() if name.endswith(SUFFIX)}
        there = self.service.described(self.place.bucket, f"{self.place.folder}{MANIFEST}")
        if there is None:
            return _Current({name: str(item["generation"]) for name, item in live.items()})
        content = self.service.read(self.place.bucket, f"{self.place.folder}{MANIFEST}")
        manifest = Manifest.read(content or b"{}")
        names = {name: str(live[name]["generation"]) for name in manifest.files if name in live}
        return _Current(names, manifest, str(there["generation"]), str(there["updated"]))

    def read(self, name: str) -> bytes:
        """Content of a file."""
        found = self.service.read(self.place.bucket, f"{self.place.folder}{name}")
        if found is None:
            raise _changed(self.place)
        return found

    def replace(self, current: _Current, names: Collection[str], where: str) -> None:
        """Replace files by the same without some rows: all in one step if there is a manifest.

        Args:
            names: The files that have such rows.
            where: The rows.
        """
        if current.manifest is None:
            for name in names:
                self._write(name, without(self.read(name), where)[0], current.names[name])
            return
        files: dict[str, int] = {}
        for name, rows in current.manifest.files.items():
            if name not in names:
                files[name] = rows
                continue
            content, _erased, left = without(self.read(name), where)
            if left:
                other = f"{current.manifest.version + 1:08d}-{uuid4().hex}{SUFFIX}"
                self._write(other, content, ABSENT)
                files[other] = left
        following = replace(current.manifest, version=current.manifest.version + 1, files=files)
        self._write(MANIFEST, following.content(), current.generation)

    def remove_former(self) -> int:
        """Delete every version that is not current; returns their number.

        A file that the manifest does not name and that is older than the manifest belongs to nobody: its writer would
        fail, because the manifest was replaced after it began.
        """
        current, removed = self.current(), 0
        for name, item in list(self._items(versions="true")):
            if not name.endswith(SUFFIX):
                continue
            is_current = current.names.get(name) == str(item["generation"])
            is_new = current.manifest is not None and str(item["timeCreated"]) >= current.written_at
            if not is_current and (not is_new or name in current.names):
                self.service.remove_version(self.place.bucket, f"{self.place.folder}{name}", str(item["generation"]))
                removed += 1
        return removed

    def _items(self, **query: str) -> Iterator[tuple[str, dict[str, Any]]]:
        prefix = self.place.folder
        for item in self.service.listed(self.place.bucket, prefix=prefix, **query):
            name = str(item["name"]).removeprefix(prefix)
            if "/" not in name and not name.startswith("."):
                yield name, item

    def _write(self, name: str, content: bytes, generation: str) -> None:
        kind = "application/json" if name == MANIFEST else "application/octet-stream"
        try:
            self.service.write(
                self.place.bucket, f"{self.place.folder}{name}", content, kind, ifGenerationMatch=generation
            )
        except Refused as error:
            if error.status == PRECONDITION_FAILED:
                raise _changed(self.place) from error
            raise


def without(content: bytes, where: str) -> tuple[bytes, int, int]:
    """A Parquet file without the rows that a predicate selects, the number of these rows, and of those that stay.

    Raises:
        NotErasable: when the predicate does not fit its columns.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    source, sink, erased, left = pq.ParquetFile(io.BytesIO(content)), io.BytesIO(), 0, 0
    with pq.ParquetWriter(sink, source.schema_arrow, compression="zstd") as writer:
        for batch in source.iter_batches():
            staying = batch.filter(pc.invert(_selected(pa.Table.from_batches([batch]), where)))
            erased, left = erased + batch.num_rows - staying.num_rows, left + staying.num_rows
            writer.write_batch(staying)
    return sink.getvalue(), erased, left


def _selected(rows: pa.Table, where: str) -> pa.Array:
    """Whether a predicate selects each row. A row for which it is null stays."""
    try:
        import duckdb
    except ImportError as error:
        raise NotErasable("duckdb is not installed", hint=install_command("alchemesh-platform[local]")) from error
    statement = f"SELECT coalesce(CAST(({condition(where)}) AS BOOLEAN), false) FROM rows"  # noqa: S608 - one expression
    with open_duckdb({"enable_external_access": "false"}) as connection:
        connection.register("rows", rows)
        connection.execute("SET lock_configuration = true")
        try:
            found: Any = connection.sql(statement).to_arrow_table()
        except duckdb.Error as error:
            raise NotErasable(f"the condition does not fit the files: {error}".splitlines()[0]) from error
    return found.column(0).combine_chunks()


def _changed(place: Place) -> Failure:
    return Failure(f"a writer replaced the files of {place} meanwhile", hint="run the command again")


ERASURE = BucketErasure()
