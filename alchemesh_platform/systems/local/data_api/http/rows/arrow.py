"""Rows as Arrow and Parquet, read with ADBC, or from the Delta table that the serving copy was loaded from."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alchemesh_platform.systems.local.data_api.http.configuration import ServedTable
from alchemesh_platform.systems.local.data_api.http.kinds import ColumnKind, Kind, kind_of
from alchemesh_platform.systems.local.data_api.http.problems import with_state
from alchemesh_platform.systems.local.data_api.http.rows.formats import Format
from alchemesh_platform.systems.local.data_api.http.rows.statements import ROWS_OF_DELTA, Statement
from alchemesh_platform.systems.local.data_api.http.rows.streams import RowCount

if TYPE_CHECKING:
    import pyarrow as pa

DECIMAL_DIGITS_MAX = 38  # of Arrow's decimal128
ROW_GROUP_ROWS = 256 * 1024


class ArrowSource:
    """Record batches of a statement, read in a thread. Another thread can cancel it."""

    def __init__(self, uri: str, settings: Statement, statement: Statement) -> None:
        self.uri = uri
        self.settings = settings
        self.statement = statement
        self._cursor: Any = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Cancel the statement in PostgreSQL."""
        self._cancelled.set()
        cursor = self._cursor
        if cursor is not None:
            with suppress(Exception):
                cursor.adbc_cancel()

    def batches(self) -> Iterator[pa.RecordBatch | pa.Schema]:
        """The schema, and then the record batches.

        Raises:
            asyncpg.PostgresError: when PostgreSQL refuses the statement, or cancels it.
        """
        from adbc_driver_manager import Error

        try:
            yield from self._read()
        except Error as error:
            raise with_state(error.sqlstate, str(error).splitlines()[0]) from error

    def _read(self) -> Iterator[pa.RecordBatch | pa.Schema]:
        from adbc_driver_postgresql import dbapi

        with closing(dbapi.connect(self.uri)) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(self.settings.text, self.settings.values)
            cursor.fetchall()
            self._cursor = cursor
            if self._cancelled.is_set():
                return
            cursor.execute(self.statement.text, self.statement.values or None)
            reader = cursor.fetch_record_batch()
            yield reader.schema
            try:
                yield from reader
            finally:
                self._cursor = None


def typed(
    batches: Iterator[pa.RecordBatch | pa.Schema], kinds: dict[str, ColumnKind], decimals_as_text: bool
) -> Iterator[pa.RecordBatch | pa.Schema]:
    """Batches with the types of the model, whatever their source: ADBC reads decimals as texts.

    Args:
        batches: The schema, and then the batches.
        kinds: Kind of each column; a column without one keeps its type.
        decimals_as_text: Whether decimals are texts.
    """
    import pyarrow as pa

    first = next(batches, None)
    if first is None:
        return
    fields = []
    for field in first:
        type_ = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        kind = kinds.get(field.name)
        fields.append(pa.field(field.name, type_ if kind is None else arrow_type(kind, decimals_as_text)))
    schema = pa.schema(fields)
    yield schema
    for batch in batches:
        columns = []
        for column, field in zip(batch.columns, schema, strict=True):
            plain = column.storage if isinstance(column.type, pa.BaseExtensionType) else column
            columns.append(plain if plain.type == field.type else plain.cast(field.type))
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def counted(batches: Iterator[pa.RecordBatch | pa.Schema], count: RowCount) -> Iterator[pa.RecordBatch | pa.Schema]:
    """The same batches; their rows are added to a count."""
    schema = next(batches, None)
    if schema is not None:
        yield schema
    for batch in batches:
        count.rows += batch.num_rows
        yield batch


def arrow_type(kind: ColumnKind, decimals_as_text: bool = False) -> pa.DataType:
    """The Arrow type of a column. Objects are JSON texts; so are decimals without a declared precision."""
    import pyarrow as pa

    if kind.dimensions:
        return pa.list_(arrow_type(replace(kind, dimensions=kind.dimensions - 1), decimals_as_text))
    if kind.kind is Kind.INTEGER:
        return {"smallint": pa.int16(), "int2": pa.int16(), "bigint": pa.int64(), "int8": pa.int64()}.get(
            kind.type, pa.int32()
        )
    if kind.kind is Kind.FLOAT:
        return pa.float32() if kind.type in ("real", "float4") else pa.float64()
    exact = kind.precision is not None and kind.precision <= DECIMAL_DIGITS_MAX
    if kind.kind is Kind.DECIMAL and exact and not decimals_as_text:
        return pa.decimal128(kind.precision, kind.scale or 0)
    types = {
        Kind.BOOLEAN: pa.bool_(),
        Kind.DATE: pa.date32(),
        Kind.TIME: pa.time64("us"),
        Kind.LOCAL: pa.timestamp("us"),
        Kind.ZONED: pa.timestamp("us", "UTC"),
        Kind.BYTES: pa.binary(),
    }
    return types.get(kind.kind, pa.string())


def encoded(batches: Iterator[pa.RecordBatch | pa.Schema], format_: Format) -> Iterator[bytes]:
    """Batches as the bytes of a format, in pieces."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = next(batches, None)
    if schema is None:
        return
    sink = _Pieces()
    writer: Any
    if format_ is Format.ARROW:
        writer = pa.ipc.new_stream(sink, schema)
    else:
        writer = pq.ParquetWriter(sink, schema, compression="zstd")
    write: Callable[[Any], None] = writer.write_batch
    held: list[pa.RecordBatch] = []
    with closing(writer):
        if format_ is Format.ARROW:
            for batch in batches:
                write(batch)
                yield from sink.taken()
        else:
            for batch in batches:
                held.append(batch)
                if sum(map(len, held)) >= ROW_GROUP_ROWS:
                    writer.write_table(pa.Table.from_batches(held, schema))
                    held.clear()
                    yield from sink.taken()
            if held:
                writer.write_table(pa.Table.from_batches(held, schema))
    yield from sink.taken()


class _Pieces(io.RawIOBase):
    """A file that only takes bytes, and gives them away in pieces."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._given = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._given + len(self._held)

    def write(self, piece: Any) -> int:
        before = len(self._held)
        self._held += piece
        return len(self._held) - before

    def taken(self) -> Iterator[bytes]:
        """The bytes since the last call, as one piece."""
        if self._held:
            piece, self._held = self._held, bytearray()
            self._given += len(piece)
            yield bytes(piece)


def kinds_of(table: ServedTable) -> dict[str, ColumnKind]:
    """The kind of each column."""
    return {column.name: kind_of(column.type) for column in table.columns}


def is_plain(table: ServedTable, columns: Sequence[str]) -> bool:
    """Whether Delta's reader gives the same types as the serving copy: objects are texts in the copy only."""
    return all(kind_of(table.column(name).type).comparable for name in columns)


def opened(batches: Iterator[pa.RecordBatch | pa.Schema]) -> Iterator[pa.RecordBatch | pa.Schema]:
    """The same batches, after the first one was read: an error before it is raised here."""
    first = list(itertools.islice(batches, 2))
    return _after(first, batches)


def _after(
    first: list[pa.RecordBatch | pa.Schema], batches: Iterator[pa.RecordBatch | pa.Schema]
) -> Iterator[pa.RecordBatch | pa.Schema]:
    yield from first
    yield from batches


def delta_batches(folder: str, version: int, statement: Statement) -> Iterator[pa.RecordBatch | pa.Schema]:
    """All rows of one version of a Delta table. Its reader applies deletion vectors."""
    import pyarrow as pa
    from deltalake import DeltaTable, QueryBuilder

    table = DeltaTable(folder, version=version)
    reader = QueryBuilder().register(ROWS_OF_DELTA, table).execute(statement.text)
    source = pa.RecordBatchReader.from_stream(reader)
    yield source.schema
    yield from source
