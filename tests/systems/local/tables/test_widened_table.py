"""A table whose required column a writer made optional: `up` makes it required again when no row lacks it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.systems.local.tables.columns import Column
from alchemesh_platform.systems.local.tables.delta import TableFailed, evolve_table
from alchemesh_platform.systems.local.tables.evolution import RefuseNull, TableSchema, wanted_schema


def wanted(*partitions: str) -> TableSchema:
    columns = [
        {"name": "id", "type": "integer", "required": True, "description": "Number"},
        {"name": "place", "type": "string"},
        {"name": "source", "type": "string"},
    ]
    return wanted_schema([Column.model_validate(each) for each in columns], partitions, "event", "One event")


def widen(path: Path, ids: list[int | None], places: list[str | None]) -> None:
    """Append as a job does that adds a column: delta-rs then lets every column be null."""
    data = pa.table({"id": pa.array(ids, pa.int64()), "place": places, "source": ["web"] * len(ids)})
    write_deltalake(str(path), data, mode="append", schema_mode="merge")


@pytest.mark.parametrize("partitions", [(), ("place",)])
def test_a_column_without_null_is_required_again_and_no_row_is_lost(
    tmp_path: Path, partitions: tuple[str, ...]
) -> None:
    """`up` once refused for ever, though no row lacked the column."""
    before = wanted(*partitions)
    evolve_table(tmp_path, TableSchema(before.fields[:2], before.partition_by, before.name, before.description))
    widen(tmp_path, [1, 2], ["a", "b"])
    assert {field.name: field.nullable for field in DeltaTable(str(tmp_path)).schema().fields}["id"]
    assert RefuseNull("id") in (evolve_table(tmp_path, before) or ())
    table = DeltaTable(str(tmp_path))
    assert {field.name: field.nullable for field in table.schema().fields} == {
        "id": False,
        "place": True,
        "source": True,
    }
    assert sorted(table.to_pyarrow_table()["id"].to_pylist()) == [1, 2]
    assert evolve_table(tmp_path, before) == ()
    with pytest.raises(Exception, match="1 rows failed validation check"):
        write_deltalake(
            str(tmp_path),
            pa.table({"id": pa.array([None], pa.int64()), "place": ["a"], "source": ["x"]}),
            mode="append",
        )


def test_a_column_with_null_stays_optional_and_up_says_why(tmp_path: Path) -> None:
    before = wanted()
    evolve_table(tmp_path, TableSchema(before.fields[:2], (), before.name, before.description))
    widen(tmp_path, [1, None], ["a", "b"])
    with pytest.raises(TableFailed, match="column id: it would become required, and the rows there may lack it"):
        evolve_table(tmp_path, before)
    assert DeltaTable(str(tmp_path)).to_pyarrow_table().num_rows == 2
