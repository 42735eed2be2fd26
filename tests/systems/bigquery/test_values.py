"""Values keep their meaning through the file of a load job, or their row is refused."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given

from alchemesh_platform.data.types import arrow_schema
from alchemesh_platform.manifest.models import LogicalType, Property
from alchemesh_platform.systems.bigquery.data.reading import in_model
from alchemesh_platform.systems.bigquery.data.values import not_storable, stored_batch
from tests.data.test_round_trips import PROPERTIES, rows, through

STORED = {name: declared for name, declared in PROPERTIES.items() if name != "grid"}  # BigQuery nests no arrays
SCHEMA = arrow_schema(STORED)


def batch_of(values: list[dict[str, Any]]) -> pa.RecordBatch:
    return through(values, STORED).combine_chunks().to_batches()[0]


def has_null_in_arrays(value: Any, declared: Property) -> bool:
    """Whether an array is null, or an item of one; parts of a null object are not there."""
    if declared.type is LogicalType.ARRAY:
        items = declared.items
        assert items is not None
        return value is None or any(each is None or has_null_in_arrays(each, items) for each in value)
    if declared.type is LogicalType.OBJECT and value is not None:
        return any(has_null_in_arrays(value[name], part) for name, part in (declared.properties or {}).items())
    return False


@given(rows)
def test_a_row_is_loaded_as_it_is_or_refused_for_a_null_in_its_arrays(values: list[dict[str, Any]]) -> None:
    known = [{name: row[name] for name in STORED} for row in values]
    refused = {row for row, _path, _why in not_storable(batch_of(known), STORED)}
    expected = {
        at for at, row in enumerate(known) if any(has_null_in_arrays(row[name], each) for name, each in STORED.items())
    }
    assert refused == expected
    kept = [row for at, row in enumerate(known) if at not in refused]
    file = io.BytesIO()
    stored = stored_batch(batch_of(kept), STORED) if kept else stored_batch(batch_of(known).slice(0, 0), STORED)
    pq.write_table(pa.Table.from_batches([stored]), file)
    (read, *_) = pq.read_table(file).to_batches() or [stored]
    assert in_model(read, STORED, SCHEMA).to_pylist() == kept


def test_years_that_bigquery_lacks_are_refused_with_their_row() -> None:
    properties = {"day": Property(type=LogicalType.DATE), "moment": Property(type=LogicalType.TIMESTAMP)}
    days = pa.array([date(2024, 1, 1), None, date.max], pa.date32())
    later = pa.array([datetime(1, 1, 1, tzinfo=UTC), None, None], pa.timestamp("us", "UTC"))
    assert list(not_storable(pa.RecordBatch.from_arrays([days, later], names=["day", "moment"]), properties)) == []
    far = pa.array([0, 2_932_897, None], pa.int32()).cast(pa.date32())  # one day after 9999-12-31
    why = "found a year that BigQuery does not store: it stores the years 1 to 9999"
    found = list(not_storable(pa.RecordBatch.from_arrays([far, later], names=["day", "moment"]), properties))
    assert found == [(1, "day", why)]
