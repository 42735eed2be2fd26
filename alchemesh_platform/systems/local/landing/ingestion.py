"""Lands files as Parquet.

Each file is read completely, typed, and written in one step. Only new and changed files are read again.
"""

from __future__ import annotations

import os
import shutil
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.sql import quoted
from alchemesh_platform.machine.files import count, storage_errors
from alchemesh_platform.sdk.observation import Observation, TableObservation
from alchemesh_platform.systems.local.landing.reading import (
    Reading,
    is_blank,
    readable_copy,
    table_function,
    unreadable,
)
from alchemesh_platform.systems.local.landing.record import (
    LANDING_FILE,
    Changes,
    LandedFile,
    Landing,
    changes,
    landed_now,
    read_landing,
    target_name,
    write_landing,
)
from alchemesh_platform.systems.local.landing.source_files import SourceFailed, SourceFile, find_sources

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_LIMIT = "1GB"
MOST_THREADS = 4
_STAGING = ".alchemesh-staging"
_LOCK_FILE = ".alchemesh-landing.lock"


class IngestionCancelled(Failure):
    """Raised when an ingestion is cancelled. Landed files stay."""


@dataclass(frozen=True, slots=True)
class Landed:
    """The content of a landing area after an ingestion, and the part that is new."""

    files: int
    rows: int
    size_bytes: int
    landed: int = 0
    removed: int = 0


def plan_ingestion(source: str, root: Path, target: Path, reading: Reading, *, mirror: bool = False) -> Changes:
    """The files that an ingestion would land and remove. Reads no data and changes nothing.

    Raises:
        SourceFailed: when there are no source files.
    """
    return changes(read_landing(target), find_sources(source, root), target, reading=reading.key(), mirror=mirror)


def ingest(
    source: str,
    root: Path,
    target: Path,
    reading: Reading,
    *,
    mirror: bool = False,
    cancelled: threading.Event | None = None,
) -> Landed:
    """Land new and changed files. Each file is landed completely or not at all. Files landed before an error stay.

    Args:
        source: Path or glob, relative to the root unless absolute.
        root: Folder that relative paths start from.
        target: The landing area, a folder that exists.
        reading: How files are read.
        mirror: Whether to remove landed files whose source file was removed.
        cancelled: Set it to stop. The current file is not landed.

    Raises:
        SourceFailed: when a file is missing or cannot be read. The message names the file, the line and the reason.
        StorageFailed: when the file system refuses.
        IngestionCancelled: when it is cancelled.
    """
    from filelock import FileLock

    with storage_errors(f"lock {target}"):
        lock = FileLock(target / _LOCK_FILE)
        lock.acquire()
    try:
        before = read_landing(target)
        todo = changes(before, find_sources(source, root), target, reading=reading.key(), mirror=mirror)
        if todo.reason() is None:
            return _total(before)
        with _staging(target) as staging:
            after = _land(todo, before, target, staging, reading, cancelled or threading.Event())
        return _total(after, landed=len(todo.landing), removed=len(todo.gone))
    finally:
        lock.release()


def landed(target: Path) -> Landed | None:
    """The content of a landing area according to its own record; None if nothing was ever landed."""
    landing = read_landing(target)
    return _total(landing) if landing.landed_at is not None else None


def forget(target: Path, *, keep_data: bool) -> Landed:
    """Release a landing area. Its landed files and its record are removed, or kept with ``keep_data``.

    Returns:
        The removed content.
    """
    landing = read_landing(target)
    if not keep_data:
        with storage_errors(f"remove the landed files of {target}"):
            for name in [file.target for file in landing.files.values() if file.target]:
                (target / name).unlink(missing_ok=True)
            (target / LANDING_FILE).unlink(missing_ok=True)
            (target / _LOCK_FILE).unlink(missing_ok=True)
    return _total(landing)


def observe_landing(target: Path) -> Observation:
    """The health of a landing area, from its own record."""
    landing = read_landing(target)
    if landing.landed_at is None:
        return Observation("unhealthy", f"nothing was ever landed in {target}")
    total = _total(landing)
    missing = [file.target for file in landing.files.values() if file.target and not (target / file.target).is_file()]
    table = TableObservation(total.rows, total.size_bytes, landing.landed_at)
    if missing:
        return Observation("unhealthy", f"{count(len(missing), 'landed file')} missing: {missing[0]}", {"files": table})
    return Observation("healthy", count(total.files, "file"), {"files": table})


def _total(landing: Landing, *, landed: int = 0, removed: int = 0) -> Landed:
    files = landing.files.values()
    return Landed(len(landing.files), sum(f.rows for f in files), sum(f.landed_bytes for f in files), landed, removed)


def _land(
    todo: Changes, before: Landing, target: Path, staging: Path, reading: Reading, cancelled: threading.Event
) -> Landing:
    after = before
    # Also after an error, the record names the landed files.
    try:
        with _connection(staging, cancelled) as connection:
            for source in todo.landing:
                if cancelled.is_set():
                    raise IngestionCancelled(f"stopped before {source.path} was landed")
                file = _land_file(connection, source, target, staging, reading, target_name(source.name, after))
                after = landed_now(after, {**after.files, source.name: file}, reading.key())
        for name in todo.gone:
            gone = after.files[name].target
            if gone is not None:
                with storage_errors(f"remove {target / gone}"):
                    (target / gone).unlink(missing_ok=True)
            after = landed_now(after, {key: file for key, file in after.files.items() if key != name}, reading.key())
    finally:
        if after is not before:
            write_landing(target, after)
    return after


def _land_file(
    connection: DuckDBPyConnection, source: SourceFile, target: Path, staging: Path, reading: Reading, name: str
) -> LandedFile:
    with storage_errors(f"read {source.path}"):
        readable = readable_copy(source, staging)
        blank = reading.format != "parquet" and is_blank(readable)
    if blank and reading.format == "csv":
        raise SourceFailed(f"{source.path} is empty: a header line was expected", hint="remove the file, or write it")
    size, rows = 0, 0
    if not blank:
        draft = staging / "landed.parquet"
        with storage_errors(f"read {source.path}"):
            rows = _copy(connection, source, readable, draft, reading)
        with storage_errors(f"write {target / name}"):
            size = draft.stat().st_size
            draft.replace(target / name)
    else:
        (target / name).unlink(missing_ok=True)
    return LandedFile(
        size_bytes=source.size_bytes,
        mtime_ns=source.mtime_ns,
        target=None if blank else name,
        rows=rows,
        landed_bytes=size,
    )


def _copy(connection: DuckDBPyConnection, source: SourceFile, readable: Path, draft: Path, reading: Reading) -> int:
    import duckdb

    try:
        rows = table_function(readable, reading)
        row = connection.execute(f"COPY (SELECT * FROM {rows}) TO {quoted(str(draft))} (FORMAT parquet)").fetchone()  # noqa: S608 - quoted
    except duckdb.InterruptException as error:
        raise IngestionCancelled(f"stopped while {source.path} was read") from error
    except (duckdb.Error, UnicodeDecodeError, EOFError, zlib.error) as error:
        raise unreadable(source, readable, reading, str(error)) from error
    return int(row[0]) if row else 0


@contextmanager
def _connection(staging: Path, cancelled: threading.Event) -> Iterator[DuckDBPyConnection]:
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": min(MOST_THREADS, os.cpu_count() or 1),
        "temp_directory": str(staging / "spill"),
    }
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if cancelled.wait(0.1):
                connection.interrupt()
                return

    with duckdb.connect(config=settings) as connection:
        watcher = threading.Thread(target=watch, name="ingestion-cancel", daemon=True)
        watcher.start()
        try:
            yield connection
        finally:
            over.set()
            watcher.join()


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """A folder for drafts inside the landing area, so that a move is atomic. It removes the drafts of a killed run."""
    staging = target / _STAGING
    with storage_errors(f"write in {target}"):
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
