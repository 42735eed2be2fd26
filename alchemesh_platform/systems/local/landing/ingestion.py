"""Lands files as Parquet.

All files of a landing area have one schema. Each file is read completely and written in one step. Only new and changed
files are read again.
"""

from __future__ import annotations

import os
import shutil
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.data.in_memory import open_duckdb
from alchemesh_platform.machine.files import count, storage_errors
from alchemesh_platform.machine.landing.json_structure import has_numbers_as_text
from alchemesh_platform.machine.landing.source_columns import TEXT, LandedColumn, SourceColumn
from alchemesh_platform.sdk.observation import Observation, TableObservation
from alchemesh_platform.systems.local.landing.found import Found, look_into
from alchemesh_platform.systems.local.landing.json_numbers import spelt_declared, spelt_numbers
from alchemesh_platform.systems.local.landing.misfits import (
    REJECTS_FOLDER,
    broken_lines,
    count_misfits,
    kept_rows,
    misfit_failure,
    misfits,
    write_rejects,
)
from alchemesh_platform.systems.local.landing.parse_errors import bad_csv_line
from alchemesh_platform.systems.local.landing.reading import Reading, unreadable, wants_long_lines
from alchemesh_platform.systems.local.landing.record import (
    LANDING_FILE,
    Changes,
    LandedFile,
    Landing,
    changes,
    read_landing,
    target_name,
    write_landing,
)
from alchemesh_platform.systems.local.landing.rows import checked_rows, fractions_in_text, landing_query
from alchemesh_platform.systems.local.landing.schema import Columns, settle
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
    rejected: int = 0
    columns: tuple[LandedColumn, ...] = ()


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
        SourceFailed: when a file is missing, cannot be read, or does not fit the schema. The message names the file,
            the line and the reason.
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
        with _staging(target) as staging, _connection(staging, cancelled or threading.Event()) as connection:
            run = _Run(connection, target, staging, reading, cancelled or threading.Event())
            after = run.land(todo, before.model_copy(update={"source": source, "root": str(root)}))
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
            shutil.rmtree(target / REJECTS_FOLDER, ignore_errors=True)
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
    words = [count(total.files, "file")]
    if without := unsourced(landing):
        words.append(in_words_without_source(landing, without))
    if total.rejected:
        words.append(f"{count(total.rejected, 'row')} rejected: {target / REJECTS_FOLDER}")
    return Observation("healthy", ", ".join(words), {"files": table})


def unsourced(landing: Landing) -> list[str]:
    """The landed files whose source file is not there any more, by the name of the source file."""
    if landing.source is None or landing.root is None:
        return []
    try:
        there = {source.name for source in find_sources(landing.source, Path(landing.root))}
    except Failure:
        there = set()
    return sorted(set(landing.files) - there)


def in_words_without_source(landing: Landing, names: Sequence[str]) -> str:
    """``1 row without a source (2023.csv)``."""
    rows = sum(landing.files[name].rows for name in names)
    more = f" and {count(len(names) - 1, 'other file')}" if len(names) > 1 else ""
    return f"{count(rows, 'row')} without a source ({names[0]}{more})"


def _total(landing: Landing, *, landed: int = 0, removed: int = 0) -> Landed:
    files = landing.files.values()
    return Landed(
        len(landing.files),
        sum(f.rows for f in files),
        sum(f.landed_bytes for f in files),
        landed,
        removed,
        sum(f.rejected for f in files),
        landing.columns or (),
    )


@dataclass
class _Run:
    """One ingestion."""

    connection: DuckDBPyConnection
    target: Path
    staging: Path
    reading: Reading
    cancelled: threading.Event

    def land(self, todo: Changes, before: Landing) -> Landing:
        """Land files, and return the record. Also after an error, the record names the landed files."""
        key = self.reading.key()
        same = {name: file for name, file in before.files.items() if (file.reading or before.reading) == key}
        recorded = before.columns if same else None
        schema = settle(recorded, (self._look(source) for source in todo.landing), self.reading)
        files = dict(before.files)
        taken = {file.target for file in files.values() if file.target}
        changed = False
        try:
            for source in todo.landing:
                self._continue(f"before {source.path} was landed")
                known = files.get(source.name)
                name = target_name(source.name, known, taken)
                files[source.name] = self._land_file(source, schema, name, key, known)
                taken.add(name)
                changed = True
            for name in todo.gone:
                self._remove(files.pop(name))
                changed = True
            for name, file in [(name, file) for name, file in files.items() if _outdated(file, key, schema)]:
                self._continue(f"before {file.target} was brought to the schema")
                files[name] = self._refit(file, schema, key)
                changed = True
        finally:
            if changed:
                update = {"files": files, "reading": key, "columns": schema, "landed_at": datetime.now(UTC)}
                after = before.model_copy(update=update)
                write_landing(self.target, after)
        return after if changed else before

    def _continue(self, when: str) -> None:
        if self.cancelled.is_set():
            raise IngestionCancelled(f"stopped {when}")

    def _look(self, source: SourceFile) -> Found:
        self._continue(f"before {source.path} was read")
        with self._errors(source):
            return look_into(self.connection, source, self.staging, self.reading)

    @contextmanager
    def _errors(self, source: SourceFile, readable: Path | None = None) -> Iterator[None]:
        import duckdb

        try:
            with storage_errors(f"read {source.path}"):
                yield
        except duckdb.InterruptException as error:
            raise IngestionCancelled(f"stopped while {source.path} was read") from error
        except (duckdb.Error, UnicodeDecodeError, EOFError, zlib.error) as error:
            raise unreadable(source, readable or source.path, self.reading, error) from error

    def _spelt(self, found: Found, schema: Columns) -> Found:
        """The file to read: a copy, if numbers of a JSON file land as text and have to keep their spelling."""
        if self.reading.columns is not None:
            return self._spelt_declared(found, self.reading.columns)
        if not found.structures:
            return found
        known = {column.name.casefold(): column.structure for column in schema if column.structure is not None}
        structures = {name: known[name.casefold()] for name in found.names if name.casefold() in known}
        pairs = zip(found.names, found.structures, strict=True)
        if not any(name in structures and has_numbers_as_text(part, structures[name]) for name, part in pairs):
            return found
        with self._errors(found.source):
            return replace(found, readable=spelt_numbers(found.readable, structures, self.staging))

    def _spelt_declared(self, found: Found, columns: Sequence[SourceColumn]) -> Found:
        """The file to read: a copy, if a JSON file has fractions in declared columns of text."""
        import duckdb

        if self.reading.format != "json" or found.blank:
            return found
        with self._errors(found.source, found.readable):
            # A line that is no JSON ends the query: reading the rows names it.
            with suppress(duckdb.InvalidInputException):
                query = fractions_in_text(found, columns)
                if query is None or self.connection.execute(query).fetchone() is None:
                    return found
            return replace(found, readable=spelt_declared(found.readable, columns, self.staging))

    def _land_file(
        self, source: SourceFile, schema: Columns, name: str, key: str, known: LandedFile | None
    ) -> LandedFile:
        found = self._spelt(self._look(source), schema)
        draft, rejects = self.staging / "landed.parquet", self.staging / "rejects.csv"
        rejects.unlink(missing_ok=True)
        size = rows = rejected = 0
        if not found.blank:
            with self._errors(source, found.readable):
                rows, rejected = self._write(found, schema, draft, rejects)
            with storage_errors(f"write {self.target / name}"):
                size = draft.stat().st_size
                draft.replace(self.target / name)
        else:
            (self.target / name).unlink(missing_ok=True)
        self._keep_rejects(rejects, name, rejected)
        return LandedFile(
            size_bytes=source.size_bytes,
            mtime_ns=source.mtime_ns,
            target=None if found.blank else name,
            rows=rows,
            landed_bytes=size,
            reading=key,
            width=len(schema),
            rejected=rejected,
            rejects=_reject_name(name) if rejected else None,
        )

    def _write(self, found: Found, schema: Columns, draft: Path, rejects: Path) -> tuple[int, int]:
        """Write the rows of a file, and those that do not fit. Returns the number of each."""
        import duckdb

        if self.reading.format == "parquet" and self.reading.columns is None and _is_whole(found, schema):
            shutil.copyfile(found.readable, draft)
            return self._count(draft), 0
        try:
            return self._copy(landing_query(found, schema, self.reading), draft), 0
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            long_lines = wants_long_lines(str(error))
            more = self._lenient_lines(found, str(error))
            if long_lines or more:
                with suppress(duckdb.ConversionException, duckdb.InvalidInputException):
                    query = landing_query(found, schema, self.reading, long_lines=long_lines, more=more)
                    return self._copy(query, draft), 0
            if self.reading.columns is None:
                raise
        return self._write_checked(found, schema, draft, rejects, long_lines=long_lines, more=more)

    def _write_checked(
        self, found: Found, schema: Columns, draft: Path, rejects: Path, *, long_lines: bool, more: str
    ) -> tuple[int, int]:
        reject = self.reading.on_bad_row == "reject"
        if reject and self.reading.format == "csv" and not more:
            more = ", store_rejects = true"
        checked = checked_rows(found, schema, self.reading, long_lines=long_lines, more=more)
        total = count_misfits(self.connection, checked)
        if total and not reject:
            first = next(misfits(self.connection, checked, self.reading, most=1))
            raise misfit_failure(found, first, total, self.reading)
        rows = self._copy(kept_rows(checked), draft)
        if not reject:
            return rows, 0
        broken = broken_lines(self.connection, found) if "store_rejects" in more else []
        rejected = list(misfits(self.connection, checked, self.reading, most=None))
        if rejected or broken:
            with storage_errors(f"write {rejects}"):
                write_rejects(found, rejected, broken, self.reading, rejects)
        return rows, len(rejected) + len(broken)

    def _lenient_lines(self, found: Found, message: str) -> str:
        """The option for a CSV file with several kinds of line ends. Its quotes are checked first."""
        if self.reading.format != "csv" or "state machine" not in message:
            return ""
        if bad_csv_line(found.readable, found.delimiter, self.reading) is not None:
            return ""
        return ", strict_mode = false"

    def _copy(self, query: str, draft: Path) -> int:
        row = self.connection.execute(f"COPY ({query}) TO {quoted(str(draft))} (FORMAT parquet)").fetchone()
        return int(row[0]) if row else 0

    def _count(self, draft: Path) -> int:
        """The rows of a Parquet file. Every page is read, so a damaged file is an error."""
        file = quoted(str(draft))
        columns = self.connection.execute(f"DESCRIBE SELECT * FROM read_parquet({file})").fetchall()  # noqa: S608 - quoted
        checks = ", ".join(f"count({identifier(column[0])})" for column in columns)
        row = self.connection.execute(f"SELECT count(*), {checks} FROM read_parquet({file})").fetchone()  # noqa: S608 - quoted
        return int(row[0]) if row else 0

    def _keep_rejects(self, rejects: Path, name: str, rejected: int) -> None:
        folder = self.target / REJECTS_FOLDER
        kept = folder / _reject_name(name)
        with storage_errors(f"write {kept}"):
            if rejected:
                folder.mkdir(exist_ok=True)
                rejects.replace(kept)
            else:
                kept.unlink(missing_ok=True)

    def _remove(self, file: LandedFile) -> None:
        if file.target is None:
            return
        with storage_errors(f"remove {self.target / file.target}"):
            (self.target / file.target).unlink(missing_ok=True)
            (self.target / REJECTS_FOLDER / _reject_name(file.target)).unlink(missing_ok=True)

    def _refit(self, file: LandedFile, schema: Columns, key: str) -> LandedFile:
        """Bring a landed file to the schema: a new column is null, and values take the type that is declared now.

        The file was landed with another schema, and its source did not change, or is not there any more.
        """
        if file.target is None:
            return file.model_copy(update={"reading": key, "width": len(schema)})
        path, draft = self.target / file.target, self.staging / "refitted.parquet"
        landed = SourceFile(file.target, path, 0, 0)
        with self._errors(landed):
            rows = self._copy(self._refitting(path, file, schema, key), draft)
            if rows != file.rows:
                raise _cannot_refit(path)
            size = draft.stat().st_size
            draft.replace(path)
        return file.model_copy(update={"reading": key, "width": len(schema), "landed_bytes": size})

    def _refitting(self, path: Path, file: LandedFile, schema: Columns, key: str) -> str:
        described = self.connection.execute(f"DESCRIBE SELECT * FROM read_parquet({quoted(str(path))})").fetchall()  # noqa: S608 - quoted
        names, types = tuple(row[0] for row in described), tuple(str(row[1]) for row in described)
        found = Found(SourceFile(path.name, path, 0, 0), path, names=names, types=types)
        wanted = {column.name.casefold(): column for column in schema}
        if any(name.casefold() not in wanted for name in names):
            raise _cannot_refit(path)
        columns = self.reading.columns
        if file.reading != key and columns is not None:
            # The landed names are those of the schema, whatever the source called them.
            renamed = tuple(column.model_copy(update={"column": None}) for column in columns)
            checked = checked_rows(found, schema, replace(self.reading, format="parquet", columns=renamed))
            if count_misfits(self.connection, checked):
                raise _cannot_refit(path)
            return kept_rows(checked)
        kinds = {name.casefold(): (name, kind) for name, kind in zip(names, types, strict=True)}
        parts = []
        for column in schema:
            name, kind = kinds.get(column.name.casefold(), (None, column.type))
            if column.type not in {kind, TEXT}:
                raise _cannot_refit(path)
            value = "NULL" if name is None else identifier(name)
            parts.append(f"CAST({value} AS {column.type}) AS {identifier(column.name)}")
        return f"SELECT {', '.join(parts)} FROM read_parquet({quoted(str(path))})"  # noqa: S608 - quoted


def _outdated(file: LandedFile, key: str, schema: Columns) -> bool:
    return file.reading != key or file.width != len(schema)


def _is_whole(found: Found, schema: Columns) -> bool:
    """Whether a file has exactly the columns of the schema, in its order."""
    return found.names == tuple(column.name for column in schema)


def _reject_name(target: str) -> str:
    return f"{target.removesuffix('.parquet')}.csv"


def _cannot_refit(path: Path) -> SourceFailed:
    return SourceFailed(
        f"{path} does not fit the schema of the port, and its source file is not there any more",
        hint="put the source file back, or set `mirror: true`, which removes rows without a source",
    )


@contextmanager
def _connection(staging: Path, cancelled: threading.Event) -> Iterator[DuckDBPyConnection]:

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

    with open_duckdb(settings) as connection:
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
