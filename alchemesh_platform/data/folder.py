"""Rows of models as Parquet files of a folder or bucket, with a manifest of the files that count.

Each model has a folder: ``<model>/_manifest.json`` and Parquet files. A write adds files, and then replaces the
manifest in one step. Readers take the files of the manifest only, so they see the rows before or after a write. In a
folder without a manifest, all Parquet files count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alchemesh_platform.data.backend import MODES, Backend, Source, Target, Written
from alchemesh_platform.data.conditions import mask
from alchemesh_platform.data.errors import DataError, NotReadable, NotWritable, SchemaMoved, conflict, schema_moved
from alchemesh_platform.data.rows import Rows, fitted
from alchemesh_platform.data.types import arrow_type, plain_schema, type_in_words
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.data.writing.given import BATCH_ROWS
from alchemesh_platform.data.writing.keys import KeySet

MANIFEST = "_manifest.json"
_ROW_GROUP_ROWS = 256 * 1024
_WRITES_KEPT = 1_000  # identities of former writes, for runs that are repeated


class Changed(Exception):
    """Raised when another writer replaced the manifest after it was read."""


class Gone(Exception):
    """Raised when a file does not exist."""


class ObjectStore(Protocol):
    """The files of one model."""

    def read_manifest(self) -> tuple[bytes | None, Any]:
        """The manifest, None if there is none, and a token of this state."""

    def write_manifest(self, content: bytes, token: Any) -> None:
        """Replace the manifest in one step.

        Raises:
            Changed: when its state is not the one of the token.
        """

    def create(self, name: str) -> AbstractContextManager[Any]:
        """A new file to write to, in binary. After an exception there is no file."""

    def open(self, name: str) -> Any:
        """A file that can be read at any place.

        Raises:
            Gone: when it does not exist.
        """

    def present(self) -> Iterable[str]:
        """The names of all Parquet files, for a folder without a manifest."""

    def unlisted(self, known: Iterable[str]) -> Iterable[str]:
        """The names of Parquet files that are not known and that no writer is writing: remains of a killed one."""

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""

    def turn(self) -> AbstractContextManager[Any]:
        """Waits for other writers, where they can be waited for."""
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files that count, with their numbers of rows, and the identities of the last writes."""

    version: int = 0
    files: dict[str, int] = field(default_factory=dict)
    writes: tuple[str, ...] = ()
    fingerprint: str | None = None

    @classmethod
    def read(cls, content: bytes) -> Manifest:
        """Read a manifest.

        Raises:
            ValueError: when it is damaged.
        """
        found = json.loads(content)
        try:
            files = {str(each["name"]): int(each["rows"]) for each in found["files"]}
            writes = tuple(map(str, found.get("writes", ())))
            return cls(int(found["version"]), files, writes, found.get("fingerprint"))
        except (KeyError, TypeError) as error:
            raise ValueError(f"the manifest has no {error}") from error

    def content(self) -> bytes:
        """The manifest as JSON."""
        files = [{"name": name, "rows": rows} for name, rows in self.files.items()]
        document = {"version": self.version, "files": files, "writes": list(self.writes[-_WRITES_KEPT:])}
        if self.fingerprint is not None:
            document["fingerprint"] = self.fingerprint
        return json.dumps(document, indent=1).encode() + b"\n"


class FolderData(Backend):
    """Folders of Parquet files with manifests. A subclass opens the folder of a model."""

    name = "a folder of Parquet files"
    modes = MODES

    def store(self, connection: Any, model: str) -> ObjectStore:
        """The files of a model."""
        raise NotImplementedError

    def read(self, source: Source) -> Rows:
        store = self.store(source.connection, source.model or "")
        content, _ = store.read_manifest()
        manifest = _parsed(content, store, source)
        schema = source.schema
        if schema is None:
            if not manifest.files:
                raise NotReadable(f"port {source.port!r}: no row of model {source.model!r} is there yet")
            with _opened(store, next(iter(manifest.files)), source) as file:
                schema = plain_schema(file.schema_arrow)
            if source.columns is not None:
                schema = pa.schema([schema.field(name) for name in source.columns])

        def batches() -> Iterator[pa.RecordBatch]:
            for name in manifest.files:
                with _opened(store, name, source) as file:
                    yield from _batches(file, source, schema)

        return Rows(schema, batches, version=lambda: repr((manifest, source.columns, source.where)))

    def fingerprint(self, target: Target) -> str | None:
        store = self.store(target.connection, target.model)
        content, _ = store.read_manifest()
        return _parsed(content, store, target).fingerprint

    def write(self, target: Target, rows: CheckedRows) -> Written:
        store = self.store(target.connection, target.model)
        with store.turn():
            content, token = store.read_manifest()
            manifest = _parsed(content, store, target)
            if target.write_id is not None and target.write_id in manifest.writes:
                return _written(target, 0, manifest.version, repeated=True)
            if content is not None:
                self._remove(store, store.unlisted(manifest.files))
            created: list[str] = []
            try:
                files = _put(store, manifest, target, rows, created)
                done = (target.write_id,) if target.write_id is not None else ()
                following = Manifest(manifest.version + 1, files, (*manifest.writes, *done), target.fingerprint)
                store.write_manifest(following.content(), token)
            except Changed as error:
                self._remove(store, created)
                raise conflict(target.port, target.model) from error
            except BaseException:
                self._remove(store, created)
                raise
            self._remove(store, [*(set(manifest.files) - set(files)), *(set(created) - set(files))])
        return _written(target, rows.count, following.version)

    @staticmethod
    def _remove(store: ObjectStore, names: Iterable[str]) -> None:
        for name in list(names):
            with suppress(OSError):
                store.delete(name)


def _put(
    store: ObjectStore, manifest: Manifest, target: Target, rows: CheckedRows, created: list[str]
) -> dict[str, int]:
    """Write the files of the next version; returns all of its files with their rows."""
    stem = f"{manifest.version + 1:08d}-{uuid4().hex}"

    def before_end(keys: Sequence[KeySet]) -> None:
        if target.mode == "overwrite":
            return
        for each in keys:
            if target.mode == "merge" and each.columns == target.key:
                continue
            rows.refuse(list(each.against(_staying(store, manifest, target, keys))))

    new = f"{stem}.parquet"
    created.append(new)
    with store.create(new) as sink:
        count = _written_to(sink, target.schema, rows.batches(before_end))
    added = {new: count} if count else {}
    if target.mode == "overwrite":
        return added
    if target.mode == "append":
        return {**manifest.files, **added}
    return {**_rewritten(store, manifest, target, rows.keys, stem, created), **added}


def _rewritten(
    store: ObjectStore, manifest: Manifest, target: Target, keys: Sequence[KeySet], stem: str, created: list[str]
) -> dict[str, int]:
    """The existing files without the rows that are replaced. A file that keeps all of its rows stays."""
    files: dict[str, int] = {}
    for number, (name, rows) in enumerate(manifest.files.items(), start=1):
        other = f"{stem}-{number}.parquet"
        created.append(other)
        with store.create(other) as sink:
            kept = _written_to(sink, target.schema, _staying(store, Manifest(0, {name: rows}), target, keys))
        if kept == rows:
            files[name] = rows
        elif kept:
            files[other] = kept
    return files


def _staying(
    store: ObjectStore, manifest: Manifest, target: Target, keys: Sequence[KeySet]
) -> Iterator[pa.RecordBatch]:
    """The existing rows that a write does not replace."""
    key = next((each for each in keys if each.columns == target.key), None)
    rows = _existing(store, manifest, target)
    if target.mode == "replace_where":
        for batch in rows:
            yield batch.filter(pc.invert(mask(batch, target.where)))
    else:
        yield from key.without(rows) if target.mode == "merge" and key is not None else rows


def _existing(store: ObjectStore, manifest: Manifest, target: Target) -> Iterator[pa.RecordBatch]:
    for name in manifest.files:
        with _opened(store, name, target) as file:
            yield from _batches(file, target, target.schema)


def _batches(file: pq.ParquetFile, of: Source | Target, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    there = plain_schema(file.schema_arrow)
    wanted = dict.fromkeys((*schema.names, *(each.column for each in of.where)))
    kinds = {
        **{name: arrow_type(each) for name, each in (of.properties or {}).items()},
        **_types(there),
        **_types(schema),
    }
    for name in schema.names:
        kind = there.field(name).type if name in there.names else None
        if kind is not None and kind != schema.field(name).type:
            raise _moved(of, f"column {name} is {type_in_words(kind)} there")
        if kind is None and not schema.field(name).nullable:
            raise _moved(of, f"rows there have no column {name}, which is required")
    for batch in file.iter_batches(BATCH_ROWS, columns=[name for name in wanted if name in there.names]):
        columns = [
            batch.column(name) if name in there.names else pa.nulls(batch.num_rows, kinds[name]) for name in wanted
        ]
        whole = pa.RecordBatch.from_arrays(columns, names=list(wanted))
        if isinstance(of, Source) and of.where:
            whole = whole.filter(mask(whole, of.where))
        yield fitted(whole, schema)


def _types(schema: pa.Schema) -> dict[str, pa.DataType]:
    return dict(zip(schema.names, schema.types, strict=True))


def _moved(of: Source | Target, reason: str) -> DataError:
    if isinstance(of, Target):
        found: SchemaMoved = schema_moved(of.port, of.model, reason)
        return found
    return NotReadable(
        f"port {of.port!r}: the files of model {of.model!r} have another schema than the model: {reason}"
    )


def _opened(store: ObjectStore, name: str, of: Source | Target) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(store.open(name))
    except Gone as error:
        if isinstance(of, Target):
            raise conflict(of.port, of.model, f"it removed {name}") from error
        raise NotReadable(
            f"port {of.port!r}: file {name} of model {of.model!r} is gone: a writer replaced the rows meanwhile",
            hint="run the code again",
        ) from error


def _written_to(sink: Any, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    count = 0
    held: list[pa.RecordBatch] = []
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            held.append(batch)
            count += batch.num_rows
            if sum(each.num_rows for each in held) >= _ROW_GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(held, schema))
                held.clear()
        if held:
            writer.write_table(pa.Table.from_batches(held, schema))
    return count


def _parsed(content: bytes | None, store: ObjectStore, of: Source | Target) -> Manifest:
    if content is None:
        files = {}
        for name in sorted(store.present()):
            with _opened(store, name, of) as file:
                files[name] = file.metadata.num_rows
        return Manifest(files=files)
    try:
        return Manifest.read(content)
    except ValueError as reason:
        error = NotWritable if isinstance(of, Target) else NotReadable
        raise error(
            f"port {of.port!r}: {MANIFEST} of model {of.model!r} is damaged: {reason}",
            hint="restore it, or remove it: then all Parquet files of the folder count",
        ) from reason


def _written(target: Target, rows: int, version: int, *, repeated: bool = False) -> Written:
    return Written(
        port=target.port, model=target.model, mode=target.mode, rows=rows, version=version, repeated=repeated
    )
