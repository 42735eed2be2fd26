"""The data that a product's code writes: Arrow, DuckDB, Polars, pandas, or dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from alchemesh_platform.data.errors import NotWritable

BATCH_ROWS = 65_536
_ROWS_OF_DICTIONARIES = 8_192
_TAKEN = (
    "an Arrow table, a record batch, a RecordBatchReader, an iterable of batches, a relation of DuckDB, a DataFrame of "
    "Polars or pandas, rows that were read, or dictionaries"
)


@dataclass(frozen=True, slots=True)
class Given:
    """The data in pieces.

    Args:
        schema: Schema of the batches; None for dictionaries, whose values have the types of Python.
        pieces: Record batches, or lists of dictionaries.
        close: Ends a stream that is not read to its end: DuckDB runs no other query before.
    """

    schema: pa.Schema | None
    pieces: Iterator[Any]
    close: Callable[[], object] = lambda: None


def opened(data: Any, doing: str) -> Given:
    """Open data of any accepted kind.

    Args:
        data: The data.
        doing: The place, for messages.

    Raises:
        NotWritable: when the data is of another kind.
    """
    if isinstance(data, pa.RecordBatch):
        return Given(data.schema, _cut(iter([data])))
    if isinstance(data, pa.Table):
        return Given(data.schema, iter(data.to_batches(max_chunksize=BATCH_ROWS)))
    if isinstance(data, pa.RecordBatchReader):
        return Given(data.schema, _cut(iter(data)))
    module = type(data).__module__.partition(".")[0]
    if module == "pandas" and hasattr(data, "columns"):
        _check_index(data, doing)
        with _as_arrow(doing):
            table = pa.Table.from_pandas(data, preserve_index=False).replace_schema_metadata()
        return opened(table, doing)
    # A relation of DuckDB streams; its Arrow interface may hold a whole result.
    for method in ("to_arrow_reader", "fetch_arrow_reader", "fetch_record_batch"):
        if module in ("duckdb", "_duckdb") and hasattr(data, method):
            reader = getattr(data, method)(BATCH_ROWS)
            return Given(reader.schema, _cut(iter(reader)), reader.close)
    if hasattr(data, "__arrow_c_stream__"):
        with _as_arrow(doing):
            reader = pa.RecordBatchReader.from_stream(data)
        return Given(reader.schema, _cut(iter(reader)), reader.close)
    if hasattr(data, "__arrow_c_array__"):
        with _as_arrow(doing):
            batch = pa.record_batch(data)
        return opened(batch, doing)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | Mapping):
        return _of_iterable(iter(data), doing)
    raise NotWritable(f"{doing}: found {type(data).__name__}, expected {_TAKEN}")


@contextmanager
def _as_arrow(doing: str) -> Iterator[None]:
    """Name data that Arrow cannot hold: a series without columns, or a column with values of several types."""
    try:
        yield
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = ": ".join(reversed([str(each) for each in error.args])) or type(error).__name__
        raise NotWritable(
            f"{doing}: Arrow cannot hold the data: {reason}", hint="convert it to columns of one type in the code"
        ) from error


def _check_index(frame: Any, doing: str) -> None:
    """Refuse a DataFrame of pandas whose index has values of its own, as after ``groupby``: they would be lost."""
    columns = set(frame.columns)
    lost = [name for name in frame.index.names if name is not None and name not in columns]
    if lost:
        raise NotWritable(
            f"{doing}: the DataFrame has {lost[0]!r} as its index, which is no column",
            hint="`reset_index()` makes it a column, and `reset_index(drop=True)` leaves it out",
        )


def _of_iterable(items: Iterator[Any], doing: str) -> Given:
    first = next(items, None)
    if first is None:
        return Given(None, iter(()))
    everything = chain([first], items)
    if isinstance(first, Mapping):
        return Given(None, _lists(everything, doing))
    if isinstance(first, pa.RecordBatch | pa.Table):
        return Given(first.schema, _cut(_batches(everything, first.schema, doing)))
    raise NotWritable(f"{doing}: found an iterable of {type(first).__name__}, expected {_TAKEN}")


def _lists(rows: Iterator[Any], doing: str) -> Iterator[list[Mapping[str, Any]]]:
    while piece := list(islice(rows, _ROWS_OF_DICTIONARIES)):
        for row in piece:
            if not isinstance(row, Mapping):
                raise NotWritable(f"{doing}: found {type(row).__name__} among dictionaries")
        yield piece


def _batches(items: Iterator[Any], schema: pa.Schema, doing: str) -> Iterator[pa.RecordBatch]:
    for item in items:
        if not isinstance(item, pa.RecordBatch | pa.Table):
            raise NotWritable(f"{doing}: found {type(item).__name__} among record batches")
        if not item.schema.equals(schema):
            raise NotWritable(f"{doing}: found record batches with different schemas: {item.schema} and {schema}")
        yield from item.to_batches() if isinstance(item, pa.Table) else (item,)


def _cut(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield batch.slice(start, BATCH_ROWS)
