"""Loads a table into the serving copy, so that readers neither wait nor see half of it.

A commit that only added files adds their rows in one transaction. After any other commit, a new table is loaded beside
the served one and takes its place. PostgreSQL gives a new table to a transaction that began before it was loaded, and
shows it without rows; so the new table waits for these transactions to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.systems.local.data_api.serving.loading.columns import (
    CopyRefused,
    ServedColumn,
    loadable,
    loaded_schema,
    served_columns,
)
from alchemesh_platform.systems.local.data_api.serving.loading.source import Snapshot, Source, source_of
from alchemesh_platform.systems.local.data_api.serving.place import LOADING, SCHEMA, Place, connect

if TYPE_CHECKING:
    import pyarrow as pa

    from alchemesh_platform.systems.local.iceberg.catalog import Place as IcebergPlace

LOCK_MILLISECONDS = 100  # readers that come meanwhile wait behind it
_BETWEEN_TRIES_SECONDS = 0.05
_BETWEEN_TRIES_MAX_SECONDS = 2.0

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table to copy.

    Args:
        name: Its name in PostgreSQL.
        folder: Its folder, if it is on this machine.
        format: A Delta table, an Iceberg table, a folder of Parquet files, or a table of BigQuery.
        key: The columns that identify a row.
        catalog: For Iceberg: address and name of the catalog, and the namespace of the table there.
    """

    name: str
    folder: Path
    format: Literal["delta", "iceberg", "parquet", "bigquery"]
    key: tuple[str, ...] = ()
    catalog: tuple[str, str, str] | None = None

    @property
    def place(self) -> IcebergPlace | None:
        """The place of an Iceberg table; None for other formats."""
        if self.catalog is None:
            return None
        from alchemesh_platform.systems.local.iceberg.catalog import Place as PlaceOfTable

        return PlaceOfTable(self.folder, *self.catalog, self.name)

    @property
    def source(self) -> Source:
        """The source of its rows."""
        if self.place is None:
            return source_of(self.folder, self.format)
        from alchemesh_platform.systems.local.iceberg.serving import IcebergSource

        return IcebergSource(self.place)


@dataclass(slots=True)
class Copy:
    """The copy of one table. It loads what changed since it was asked last.

    Args:
        place: Where PostgreSQL is.
        table: The table.
        bytes_max: Bytes of rows that it may hold, before compression.
        progress: Called with the number of rows loaded so far.
        stopped: Whether to give up waiting.
        source: Where the rows come from, if not from the folder of the table.
    """

    place: Place
    table: CopiedTable
    bytes_max: int
    progress: Progress = lambda rows: None
    stopped: Callable[[], bool] = lambda: False
    source: Source | None = None
    loaded: Snapshot | None = None
    columns: tuple[ServedColumn, ...] = ()
    _source: Source = field(init=False)
    _show_nul: bool = False

    def __post_init__(self) -> None:
        self._source = self.source or self.table.source

    def moved(self) -> bool:
        """Whether there is something to load."""
        return self.loaded is None or self._source.moved(self.loaded)

    def snapshot(self) -> Snapshot:
        """The current state of the source."""
        return self._source.snapshot()

    def load(self, now: Snapshot) -> int:
        """Load a state of the source. Returns the number of rows loaded.

        Raises:
            CopyRefused: when PostgreSQL cannot hold it. The copy stays as it is.
        """
        added = self._source.added(self.loaded, now) if self.loaded is not None else None
        for show_nul in (self._show_nul, True):
            self._show_nul = show_nul
            try:
                rows = self._add(now, added) if added is not None else self._replace(now)
            except Exception as error:
                if "0x00" in str(error) and not show_nul:
                    continue  # text with NUL: load it again, with the sign for it
                if added is not None and "duplicate key" in str(error):
                    rows = self._replace(now)
                else:
                    raise
            self.loaded = now
            return rows
        raise AssertionError("unreachable: the second try raises")

    @property
    def shows_nul(self) -> bool:
        """Whether text of the table holds NUL, which is shown as ␀."""
        return self._show_nul

    def _add(self, now: Snapshot, added: tuple[str, ...]) -> int:
        if not added:
            with connect(self.place) as connection:
                _note(connection, self.table, now, self.columns)
            return 0
        with self._source.rows(now, added) as reader:
            if served_columns(self.table.name, reader.schema) != self.columns:
                return self._replace(now)
            stage = any(column.encoded for column in self.columns)
            with _ingesting(self.place) as (connection, cursor):
                name = quoted(self.table.name)
                if stage:
                    cursor.execute(f"DROP TABLE IF EXISTS {LOADING}.{name}")
                    cursor.execute(f"CREATE TABLE {LOADING}.{name} ({_definitions(self.columns, loading=True)})")
                rows = self._ingest(cursor, reader, LOADING if stage else SCHEMA)
                if stage:
                    names = ", ".join(quoted(column.name) for column in self.columns)
                    values = ", ".join(_value(column) for column in self.columns)
                    cursor.execute(
                        f"INSERT INTO {SCHEMA}.{name} ({names}) SELECT {values} FROM {LOADING}.{name}"  # noqa: S608
                    )
                    cursor.execute(f"DROP TABLE {LOADING}.{name}")
                cursor.execute(_NOTE, _noted(self.table, now, self.columns))
                connection.commit()
        return rows

    def _replace(self, now: Snapshot) -> int:
        with self._source.rows(now) as reader:
            columns = served_columns(self.table.name, reader.schema)
            new = f"{LOADING}.{quoted(self.table.name)}"
            with _ingesting(self.place) as (connection, cursor):
                cursor.execute(f"DROP TABLE IF EXISTS {new}")
                cursor.execute(f"CREATE TABLE {new} ({_definitions(columns, loading=True)})")
                cursor.execute("SELECT pg_current_xact_id()::text")
                transaction = cursor.fetchone()[0]
                rows = self._ingest(cursor, reader, LOADING, columns) if columns else 0
                if any(column.encoded for column in columns):
                    changes = ", ".join(
                        f"ALTER COLUMN {quoted(column.name)} TYPE jsonb USING {_value(column)}"
                        for column in columns
                        if column.encoded
                    )
                    cursor.execute(f"ALTER TABLE {new} {changes}")
                connection.commit()
        with connect(self.place) as session:
            _index(session, new, self.table.key, columns)
            session.execute(f"VACUUM (FREEZE, ANALYZE) {new}")
            session.execute(f"GRANT SELECT ON {new} TO {quoted(self.place.names.readers)}")
            self._swap(session, new, now, columns, transaction)
        self.columns = columns
        return rows

    def _swap(self, session: Any, new: str, now: Snapshot, columns: Sequence[ServedColumn], transaction: str) -> None:
        import psycopg

        pause = _BETWEEN_TRIES_SECONDS
        while not self.stopped():
            if not _older_readers(session, transaction):
                try:
                    with session.transaction():
                        session.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
                        session.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{quoted(self.table.name)}")
                        session.execute(f"ALTER TABLE {new} SET SCHEMA {SCHEMA}")
                        _note(session, self.table, now, columns)
                    return
                except psycopg.errors.LockNotAvailable:
                    pass
            time.sleep(pause)
            pause = min(2 * pause, _BETWEEN_TRIES_MAX_SECONDS)
        raise CopyRefused(f"table {self.table.name}: the loader was stopped before it took the place of the former one")

    def _ingest(
        self,
        cursor: Any,
        reader: pa.RecordBatchReader,
        schema: str,
        columns: Sequence[ServedColumn] | None = None,
    ) -> int:
        import pyarrow as pa

        columns = self.columns if columns is None else columns
        rows = size = 0
        refused: list[BaseException] = []

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal rows, size
            try:
                for batch in loadable(self.table.name, columns, reader, nul="show" if self._show_nul else "keep"):
                    rows, size = rows + batch.num_rows, size + batch.nbytes
                    if size > self.bytes_max:
                        raise CopyRefused(
                            f"table {self.table.name} is larger than the limit of its serving copy, "
                            f"{self.bytes_max / 1e9:g} GB",
                            hint="raise `max_gigabytes` of the proxy, or use a storage that serves itself",
                        )
                    self.progress(rows)
                    yield batch
            except BaseException as error:
                refused.append(error)  # what passes through Arrow's C interface is a text
                raise

        stream = pa.RecordBatchReader.from_batches(loaded_schema(columns, reader.schema), batches())
        try:
            cursor.adbc_ingest(self.table.name, stream, mode="append", db_schema_name=schema)
        except Exception:
            if refused and isinstance(refused[0], CopyRefused):
                raise refused[0] from None
            raise
        return rows


def quoted(name: str) -> str:
    """A name as PostgreSQL reads it in a statement."""
    return '"' + name.replace('"', '""') + '"'


def _definitions(columns: Sequence[ServedColumn], *, loading: bool) -> str:
    return ", ".join(
        f"{quoted(column.name)} {column.loaded_as if loading else column.type}{'' if column.nullable else ' NOT NULL'}"
        for column in columns
    )


def _value(column: ServedColumn) -> str:
    return f"{quoted(column.name)}::jsonb" if column.encoded else quoted(column.name)


def _index(session: Any, table: str, key: Sequence[str], columns: Sequence[ServedColumn]) -> None:
    """Index the key: as a primary key, which clients read, if the rows allow it."""
    import psycopg

    if not key or not set(key) <= {column.name for column in columns if not column.encoded}:
        return
    names = ", ".join(map(quoted, key))
    for statement in (f"ALTER TABLE {table} ADD PRIMARY KEY ({names})", f"CREATE INDEX ON {table} ({names})"):
        try:
            session.execute(statement)
        except psycopg.Error:
            continue  # rows without a key, or twice the same; values that are too long for an index
        return


def _older_readers(session: Any, transaction: str) -> bool:
    """Whether a transaction is open that began before a table was loaded."""
    return bool(
        session.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_xmin IS NOT NULL AND age(backend_xmin) >= age(%s::xid))",
            (transaction,),
        ).fetchone()[0]
    )


_NOTE = """
INSERT INTO alchemesh.loaded (table_name, version, columns, committed_at, source, loaded_at)
VALUES ($1, $2::text::bigint, $3::text::jsonb, $4::text::timestamptz, $5::text::jsonb, now())
ON CONFLICT (table_name) DO UPDATE SET version = excluded.version, columns = excluded.columns,
committed_at = excluded.committed_at, source = excluded.source, loaded_at = excluded.loaded_at
"""


def _noted(table: CopiedTable, now: Snapshot, columns: Sequence[ServedColumn]) -> list[str | None]:
    import json

    described = [
        {"name": column.name, "type": column.type, "nullable": column.nullable, "encoded": column.encoded}
        for column in columns
    ]
    version = now.version if table.format == "delta" else None
    source = {"identity": now.identity, "version": now.version, "files": now.files}
    return [table.name, version, json.dumps(described), now.committed_at.isoformat(), json.dumps(source)]


def resume(copy: Copy) -> None:
    """Continue with what PostgreSQL holds of a table since an earlier start."""
    with connect(copy.place) as session:
        found = session.execute(
            "SELECT source, columns, committed_at FROM alchemesh.loaded WHERE table_name = %s", (copy.table.name,)
        ).fetchone()
    if found is not None:
        source, columns, committed_at = found
        copy.columns = tuple(ServedColumn(**column) for column in columns)
        copy.loaded = Snapshot(source["identity"], source["version"], committed_at, tuple(source["files"]))


def forget_others(place: Place, names: Sequence[str]) -> None:
    """Remove the tables that are no longer served."""
    with connect(place) as session:
        rows = session.execute("SELECT table_name FROM alchemesh.loaded").fetchall()
        for (name,) in rows:
            if name not in names:
                with session.transaction():
                    session.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{quoted(name)}")
                    session.execute("DELETE FROM alchemesh.loaded WHERE table_name = %s", (name,))


def _note(session: Any, table: CopiedTable, now: Snapshot, columns: Sequence[ServedColumn]) -> None:
    import psycopg

    values = _noted(table, now, columns)
    with psycopg.RawCursor(session) as cursor:
        cursor.execute(_NOTE, values)


class _ingesting:
    """A transaction of the driver that loads Arrow."""

    def __init__(self, place: Place) -> None:
        import adbc_driver_postgresql.dbapi

        self._connection: Any = adbc_driver_postgresql.dbapi.connect(place.admin_dsn())
        self._cursor: Any = self._connection.cursor()

    def __enter__(self) -> tuple[Any, Any]:
        return self._connection, self._cursor

    def __exit__(self, *error: object) -> None:
        self._cursor.close()
        self._connection.close()
