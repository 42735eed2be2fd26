"""Values of a model as BigQuery stores them, and the values that it cannot store.

Sources:
    https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
    https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.data.errors import SHOWN_MAX
from alchemesh_platform.data.types import ITEM
from alchemesh_platform.manifest.models import LogicalType, Property

_FIRST_DAY = date(1, 1, 1)  # and 9999-12-31, which is also the last one of Python
_FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_NO_ARRAY = "found null, and BigQuery stores no array that is null: write an empty array"
_NO_ITEM = "found null in an array, and BigQuery stores no item that is null: leave it out"
_NO_YEAR = "found a year that BigQuery does not store: it stores the years 1 to 9999"


def stored_batch(batch: pa.RecordBatch, properties: Mapping[str, Property]) -> pa.RecordBatch:
    """A batch of a model with the types that BigQuery loads from Parquet: times are no texts there."""
    columns = [stored(column, properties[name]) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def stored(array: Any, declared: Property) -> Any:
    """One column as BigQuery loads it."""
    if declared.type is LogicalType.TIME:
        texts = array.to_pylist()
        return pa.array([None if text is None else time.fromisoformat(text) for text in texts], pa.time64("us"))
    if declared.type is LogicalType.OBJECT:
        parts = declared.properties or {}
        arrays = [stored(pc.struct_field(array, name), part) for name, part in parts.items()]
        fields = [pa.field(name, each.type) for name, each in zip(parts, arrays, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=fields, mask=pc.is_null(array))
    if declared.type is LogicalType.ARRAY and declared.items is not None:
        lengths = pc.fill_null(pc.list_value_length(array), 0)
        ends = pc.cumulative_sum(lengths).cast(pa.int32())
        items = stored(pc.list_flatten(array), declared.items)
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
        return pa.ListArray.from_arrays(offsets, items, type=pa.list_(pa.field(ITEM, items.type)))
    return array


def not_storable(batch: pa.RecordBatch, properties: Mapping[str, Property]) -> Iterator[tuple[int, str, str]]:
    """The first values that BigQuery cannot store: row of the batch, place, and reason."""
    for name, declared in properties.items():
        yield from _not_storable(batch.column(name), declared, name)


def _not_storable(array: Any, declared: Property, path: str) -> Iterator[tuple[int, str, str]]:
    if declared.type in {LogicalType.DATE, LogicalType.TIMESTAMP}:
        yield from _other_years(array, declared, path)
    elif declared.type is LogicalType.OBJECT:
        present = pc.indices_nonzero(pc.is_valid(array))
        inside = array.take(present)
        for name, part in (declared.properties or {}).items():
            for row, place, why in _not_storable(pc.struct_field(inside, name), part, f"{path}.{name}"):
                yield present[row].as_py(), place, why
    elif declared.type is LogicalType.ARRAY:
        yield from _nulls(array, path, _NO_ARRAY)
        items, parents = pc.list_flatten(array), pc.list_parent_indices(array)
        found = _nulls(items, f"{path}[]", _NO_ITEM)
        if declared.items is not None:
            found = (*found, *_not_storable(items, declared.items, f"{path}[]"))
        for row, place, why in found:
            yield parents[row].as_py(), place, why


def _nulls(array: Any, path: str, why: str) -> tuple[tuple[int, str, str], ...]:
    if not array.null_count:
        return ()
    return tuple((row, path, why) for row in pc.indices_nonzero(pc.is_null(array)).to_pylist()[:SHOWN_MAX])


def _other_years(array: Any, declared: Property, path: str) -> Iterator[tuple[int, str, str]]:
    if declared.type is LogicalType.DATE:
        low, high = pa.scalar(_FIRST_DAY, array.type), pa.scalar(date.max, array.type)
    else:
        low, high = pa.scalar(_FIRST_MOMENT, array.type), pa.scalar(_LAST_MOMENT, array.type)
    found = pc.min_max(array)
    lowest, highest = pc.greater_equal(found["min"], low).as_py(), pc.less_equal(found["max"], high).as_py()
    if lowest is not False and highest is not False:
        return
    other = pc.or_(pc.less(array, low), pc.greater(array, high))
    for row in pc.indices_nonzero(pc.fill_null(other, False)).to_pylist()[:SHOWN_MAX]:
        yield row, path, _NO_YEAR
