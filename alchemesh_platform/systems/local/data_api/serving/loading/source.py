"""The sources of a serving copy: the current version of a Delta table, or the Parquet files of a folder.

A Delta table is read by the query engine of `deltalake`, which knows deletion vectors, partitions and columns that are
newer than a file.
"""

from __future__ import annotations

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from alchemesh_platform.data.in_memory import open_duckdb

if TYPE_CHECKING:
    import pyarrow as pa

_LOG = "_delta_log"
# An append needs few files to be read alone; a longer list is as fast to load from the start.
_ADDED_FILES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of a source.

    Args:
        identity: Identity of the folder and the schema. Rows of another identity are never added to a copy.
        version: Version of the Delta table, or a digest of the files.
        committed_at: When it was committed.
        files: The files of a folder of Parquet.
    """

    identity: str
    version: str
    committed_at: datetime
    files: tuple[str, ...] = field(default=(), repr=False)


class Source(ABC):
    """A folder that rows are loaded from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def snapshot(self) -> Snapshot:
        """The current state."""

    @abstractmethod
    def moved(self, since: Snapshot) -> bool:
        """Whether there is a newer state. Cheap: it is asked several times a second."""

    @abstractmethod
    def added(self, since: Snapshot, now: Snapshot) -> tuple[str, ...] | None:
        """The additions between two states; None if anything else changed, so that everything must be loaded."""

    @abstractmethod
    def rows(self, at: Snapshot, added: tuple[str, ...] | None = None) -> Any:
        """A context with a reader of the rows of a state, or of the added ones only."""


def source_of(folder: Path, kind: Literal["delta", "iceberg", "parquet", "bigquery"]) -> Source:
    """The source in a folder."""
    if kind in ("bigquery", "iceberg"):
        raise ValueError(f"a folder alone is no source of {kind}: give its source")
    return DeltaSource(folder) if kind == "delta" else ParquetSource(folder)


class DeltaSource(Source):
    """The current version of a Delta table."""

    def snapshot(self) -> Snapshot:
        from deltalake import DeltaTable

        table = DeltaTable(str(self.folder))
        metadata = table.metadata()
        schema = json.dumps([json.loads(table.schema().to_json()), list(metadata.partition_columns)], sort_keys=True)
        log = self.folder / _LOG / f"{table.version():020d}.json"
        committed_at = datetime.fromtimestamp(log.stat().st_mtime if log.is_file() else 0, UTC)
        return Snapshot(f"{_identity(self.folder)}:{metadata.id}:{_digest(schema)}", str(table.version()), committed_at)

    def moved(self, since: Snapshot) -> bool:
        return (self.folder / _LOG / f"{int(since.version) + 1:020d}.json").exists() or not since.identity.startswith(
            f"{_identity(self.folder)}:"
        )

    def added(self, since: Snapshot, now: Snapshot) -> tuple[str, ...] | None:
        if since.identity != now.identity or int(since.version) > int(now.version):
            return None
        lines: list[str] = []
        for version in range(int(since.version) + 1, int(now.version) + 1):
            try:
                log = (self.folder / _LOG / f"{version:020d}.json").read_text(encoding="utf-8")
            except FileNotFoundError:
                return None  # a checkpoint replaced it
            for line in filter(None, log.splitlines()):
                action = json.loads(line)
                kind = next(iter(action))
                change = action[kind].get("dataChange", True) if isinstance(action[kind], dict) else True
                if kind == "add" and change and not action["add"].get("deletionVector"):
                    lines.append(line)
                elif kind in ("commitInfo", "txn"):
                    continue
                elif kind in ("add", "remove") and not change:
                    # Files were rewritten with the same rows. A file that was added above may be among them.
                    if kind == "remove" and any(_path(each) == action["remove"]["path"] for each in lines):
                        return None
                else:
                    return None
        return tuple(lines) if len(lines) <= _ADDED_FILES_MAX else None

    @contextmanager
    def rows(self, at: Snapshot, added: tuple[str, ...] | None = None) -> Iterator[pa.RecordBatchReader]:
        from deltalake import DeltaTable

        if added is None:
            yield _read(DeltaTable(str(self.folder), version=int(at.version)))
            return
        with tempfile.TemporaryDirectory(prefix="alchemesh-added-") as folder:
            yield _read(self._table_of(Path(folder), added))

    def _table_of(self, folder: Path, added: Sequence[str]) -> Any:
        """A table of the added files alone: a log with their entries, and links to them."""
        from deltalake import DeltaTable

        table = DeltaTable(str(self.folder))
        metadata, protocol = table.metadata(), table.protocol()
        head = {
            "metaData": {
                "id": str(metadata.id),
                "format": {"provider": "parquet", "options": {}},
                "schemaString": table.schema().to_json(),
                "partitionColumns": list(metadata.partition_columns),
                "configuration": dict(metadata.configuration),
                "createdTime": 0,
            }
        }
        kept = {
            "minReaderVersion": protocol.min_reader_version,
            "minWriterVersion": protocol.min_writer_version,
            "readerFeatures": protocol.reader_features,
            "writerFeatures": protocol.writer_features,
        }
        features = {"protocol": {name: value for name, value in kept.items() if value is not None}}
        (folder / _LOG).mkdir()
        log = "\n".join([json.dumps(features), json.dumps(head), *added]) + "\n"
        (folder / _LOG / f"{0:020d}.json").write_text(log, encoding="utf-8")
        for line in added:
            top = unquote(_path(line)).split("/", 1)[0]
            link = folder / top
            if not link.is_symlink():
                link.symlink_to(self.folder.absolute() / top)
        return DeltaTable(str(folder))


class ParquetSource(Source):
    """The Parquet files of a folder and its subfolders. Names that start with a dot or an underscore are left out."""

    def snapshot(self) -> Snapshot:
        files = self._files()
        newest = max((float(each.rpartition("|")[2]) for each in files), default=0.0)
        return Snapshot(
            f"{_identity(self.folder)}:parquet", _digest("\n".join(files)), datetime.fromtimestamp(newest, UTC), files
        )

    def moved(self, since: Snapshot) -> bool:
        return self._files() != since.files or not since.identity.startswith(f"{_identity(self.folder)}:")

    def added(self, since: Snapshot, now: Snapshot) -> tuple[str, ...] | None:
        if since.identity != now.identity or not since.files or set(since.files) - set(now.files):
            return None
        before = set(since.files)
        return tuple(each for each in now.files if each not in before)

    @contextmanager
    def rows(self, at: Snapshot, added: tuple[str, ...] | None = None) -> Iterator[pa.RecordBatchReader]:
        import pyarrow as pa

        paths = [str(self.folder / each.split("|")[0]) for each in (at.files if added is None else added)]
        if not paths:
            yield pa.RecordBatchReader.from_batches(pa.schema([]), [])
            return
        with open_duckdb() as connection:
            relation = connection.read_parquet(paths, union_by_name=True, hive_partitioning=False)
            yield pa.RecordBatchReader.from_stream(relation)

    def _files(self) -> tuple[str, ...]:
        found = []
        for path in self.folder.rglob("*.parquet"):
            relative = path.relative_to(self.folder)
            if not any(part.startswith((".", "_")) for part in relative.parts):
                known = path.stat()
                found.append(f"{relative}|{known.st_size}|{known.st_mtime}")
        return tuple(sorted(found))


def _read(table: Any) -> pa.RecordBatchReader:
    import pyarrow as pa
    from deltalake import QueryBuilder

    return pa.RecordBatchReader.from_stream(QueryBuilder().register("rows", table).execute("SELECT * FROM rows"))


def _path(line: str) -> str:
    return str(json.loads(line)["add"]["path"])


def _identity(folder: Path) -> str:
    try:
        found = folder.stat()
    except OSError:
        return "none"
    return f"{found.st_dev}.{found.st_ino}"


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:16]
