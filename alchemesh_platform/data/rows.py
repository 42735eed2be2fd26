"""Rows that a product's code reads: a stream of Arrow batches, or any other form of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from alchemesh_platform.base.packages.extras import PACKAGE, install_command
from alchemesh_platform.base.sql import identifier
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.data.types import as_plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

_numbers = count(1)


class Rows:
    """Rows of a port. Nothing is read before it is used, and each use reads the same rows again.

    Libraries that read Arrow streams accept it directly: ``pyarrow.table(rows)``, ``polars.DataFrame(rows)``.
    """

    def __init__(
        self,
        schema: pa.Schema,
        batches: Callable[[], Iterable[pa.RecordBatch]],
        *,
        parquet: Sequence[Path] | None = None,
        version: Callable[[], str] | None = None,
    ) -> None:
        """Rows from a function.

        Args:
            schema: Schema of the rows.
            batches: Function that reads the batches from the start. Columns may have another type with the same
                values, such as views of strings; other types are cast.
            parquet: The Parquet files on this machine that hold exactly these rows, with these columns, if there are.
            version: Function that returns a text that is the same as long as the rows are; by default their digest.
        """
        self.schema = schema
        self._batches = batches
        self._parquet = parquet
        self._version = version

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in batches. Only a few of them are in memory at a time."""
        for batch in self._batches():
            yield fitted(batch, self.schema)

    def reader(self) -> pa.RecordBatchReader:
        """The rows as an Arrow stream."""
        return pa.RecordBatchReader.from_batches(self.schema, self.batches())

    def arrow(self) -> pa.Table:
        """All rows in memory, as an Arrow table."""
        return pa.Table.from_batches(self.batches(), self.schema)

    def pylist(self) -> list[dict[str, Any]]:
        """All rows in memory, as dictionaries."""
        found: list[dict[str, Any]] = self.arrow().to_pylist()
        return found

    def fingerprint(self) -> str:
        """A digest that stays the same as long as the rows do, to write nothing when nothing is new."""
        if self._version is not None:
            return sha256(self._version().encode()).hexdigest()
        digest = sha256(str(self.schema).encode())
        for batch in self.batches():
            digest.update(batch.serialize())
        return digest.hexdigest()

    def duckdb(self, connection: DuckDBPyConnection | None = None) -> DuckDBPyRelation:
        """The rows as a relation of DuckDB, which can be used several times.

        DuckDB reads Parquet files in place. It loads other rows into a temporary table, which it moves to its
        ``temp_directory`` when they do not fit into its memory.

        Args:
            connection: The connection to read with. By default, the one of ``duckdb.sql``, with the time zone UTC: a
                result does not depend on the zone of the machine.
        """
        needs("duckdb", f"{PACKAGE}[local]")
        import duckdb

        if connection is None:
            connection = duckdb.default_connection()
            connection.execute("SET TimeZone = 'UTC'")
        if self._parquet:
            names = ", ".join(identifier(field.name) for field in self.schema)
            return _of_files(connection, self._parquet).project(names)
        name = f"alchemesh_rows_{next(_numbers)}"
        raised: list[Exception] = []

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                yield from self.batches()
            except Exception as error:
                raised.append(error)
                raise

        connection.register(f"{name}_stream", pa.RecordBatchReader.from_batches(self.schema, batches()))
        try:
            connection.execute(f"CREATE TEMP TABLE {name} AS FROM {name}_stream")
        except duckdb.Error:
            if raised:  # DuckDB makes a text of it
                raise raised[0] from None
            raise
        finally:
            connection.unregister(f"{name}_stream")
        return connection.table(name)

    def polars(self) -> Any:
        """All rows in memory, as a DataFrame of Polars."""
        needs("polars")
        import polars  # type: ignore[import-not-found, unused-ignore]

        return polars.from_arrow(self.arrow())

    def pandas(self) -> Any:
        """All rows in memory, as a DataFrame of pandas whose columns have Arrow's types: nothing is rounded."""
        needs("pandas")
        import pandas  # type: ignore[import-untyped, unused-ignore]

        return self.arrow().to_pandas(types_mapper=pandas.ArrowDtype)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.reader().__arrow_c_stream__(requested_schema)


def _of_files(connection: DuckDBPyConnection, files: Sequence[Path]) -> DuckDBPyRelation:
    return connection.read_parquet([str(path) for path in files], union_by_name=True, hive_partitioning=False)


def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch with exactly the columns of a schema; values stay the same."""
    if batch.schema.equals(schema):
        return batch
    columns = []
    for field in schema:
        column = as_plain(batch.column(field.name))
        columns.append(column if column.type == field.type else column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def needs(library: str, *extras: str) -> None:
    """Check that a library is installed.

    Raises:
        NotReadable: when it is not; gives the command that installs it.
    """
    if find_spec(library) is None:
        install = install_command(*extras) if extras else f"pip install {library}"
        raise NotReadable(f"{library} is not installed here", hint=f"`{install}` installs it")
