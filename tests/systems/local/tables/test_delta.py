"""Delta tables, created and changed on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_components.output_ports.delta_table.observe import observe
from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.sdk.observation import Observation
from alchemesh_platform.systems.local.tables.columns import Column
from alchemesh_platform.systems.local.tables.delta import (
    TableFailed,
    evolve_table,
    missing_files,
    observe_table,
    read_table,
    table_exists,
)
from alchemesh_platform.systems.local.tables.evolution import AddColumn, Recreate, TableSchema, wanted_schema


def columns(**kinds: Any) -> list[Column]:
    return [
        Column.model_validate({"name": name, **(kind if isinstance(kind, dict) else {"type": kind})})
        for name, kind in kinds.items()
    ]


def flights(**more: Any) -> TableSchema:
    found = columns(
        id={"type": "string", "required": True, "description": "Key"}, delay="number", at="timestamp", **more
    )
    return wanted_schema(found, (), "flight", "One departure")


def test_files_that_a_table_has_lost_are_noticed(tmp_path: Path) -> None:
    """A table whose rows were deleted by hand was healthy: its log still counted them."""
    evolve_table(tmp_path, flights())
    write_deltalake(tmp_path, pa.table({"id": ["a"]}), mode="append", schema_mode="merge")
    write_deltalake(tmp_path, pa.table({"id": ["b"]}), mode="append", schema_mode="merge")
    assert missing_files(tmp_path) == []
    lost, kept = sorted(file.name for file in tmp_path.glob("*.parquet"))
    (tmp_path / lost).unlink()
    assert missing_files(tmp_path) == [lost]
    observed = observe(TablesConnection(format="delta", tables={"flight": tmp_path.as_uri()}))
    assert observed == Observation("unhealthy", f"missing files: 1 of table flight, such as {lost}")
    assert kept


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = DeltaTable(path).to_pyarrow_table().to_pylist()
    return found


def test_a_new_table_can_be_read_before_its_first_row(tmp_path: Path) -> None:
    assert evolve_table(tmp_path / "t", flights()) is None
    assert rows(tmp_path / "t") == []
    state = read_table(tmp_path / "t")
    assert state is not None
    assert state.schema == flights()
    assert (state.rows, state.size_bytes, state.version, state.changed_at) == (0, 0, 0, None)
    assert DeltaTable(tmp_path / "t").metadata().description == "One departure"


def test_applying_the_same_schema_again_changes_nothing(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", flights())
    assert evolve_table(tmp_path / "t", flights()) == ()
    state = read_table(tmp_path / "t")
    assert state is not None
    assert state.version == 0


def test_rows_size_and_last_change_are_read_from_the_log(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", flights())
    write_deltalake(tmp_path / "t", pa.table({"id": ["a", "b"]}), mode="append", schema_mode="merge")
    observed = observe_table(tmp_path / "t")
    for file in (tmp_path / "t").glob("*.parquet"):
        file.unlink()  # the data is not read
    assert observe_table(tmp_path / "t") == observed
    assert observed is not None
    assert observed.rows == 2
    assert observed.size_bytes is not None
    assert observed.size_bytes > 0
    assert observed.changed_at is not None
    assert abs(datetime.now(UTC) - observed.changed_at) < timedelta(minutes=5)


def test_a_schema_change_does_not_count_as_a_data_change(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", flights())
    write_deltalake(tmp_path / "t", pa.table({"id": ["a"]}), mode="append", schema_mode="merge")
    before = observe_table(tmp_path / "t")
    evolve_table(tmp_path / "t", flights(gate="string"))
    after = observe_table(tmp_path / "t")
    assert before is not None
    assert after is not None
    assert after.changed_at == before.changed_at


@pytest.mark.parametrize("vacuums", [1, 51])  # each one writes two commits, and 100 are read at first
def test_maintenance_of_files_is_no_change_of_data(tmp_path: Path, vacuums: int) -> None:
    path = tmp_path / "t"
    for name in ("a", "b"):
        write_deltalake(path, pa.table({"id": [name]}), mode="append")
    before = observe_table(path)
    table = DeltaTable(path)
    table.optimize.compact()
    for _ in range(vacuums):
        table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    after = observe_table(path)

    assert [commit["operation"] for commit in table.history(2)] == ["VACUUM END", "VACUUM START"]
    assert before is not None
    assert after is not None
    assert after.changed_at == before.changed_at


def test_a_missing_table_has_no_observation(tmp_path: Path) -> None:
    assert observe_table(tmp_path) is None
    assert read_table(tmp_path / "gone") is None
    assert not table_exists(tmp_path / "gone")


def test_a_compatible_change_evolves_the_table_and_keeps_its_rows(tmp_path: Path) -> None:
    nested = {"type": "object", "properties": {"row": {"type": "integer"}}}
    evolve_table(tmp_path / "t", flights(seat=nested))
    table = pa.table(
        {"id": ["a"], "delay": [1.5], "at": pa.array([0], pa.timestamp("us", "UTC")), "seat": [{"row": 3}]}
    )
    write_deltalake(tmp_path / "t", table, mode="append")
    wider = {"type": "object", "properties": {"row": {"type": "integer"}, "side": {"type": "string"}}}
    wanted = wanted_schema(
        columns(
            id={"type": "string", "description": "Carrier and number"},
            delay="number",
            at="timestamp",
            seat=wider,
            gate="string",
        ),
        (),
        "flights",
        "One departure of one aircraft",
    )
    assert evolve_table(tmp_path / "t", wanted)
    state = read_table(tmp_path / "t")
    assert state is not None
    assert state.schema == wanted
    assert rows(tmp_path / "t") == [
        {
            "id": "a",
            "delay": 1.5,
            "at": datetime(1970, 1, 1, tzinfo=UTC),
            "seat": {"row": 3, "side": None},
            "gate": None,
        }
    ]
    write_deltalake(tmp_path / "t", pa.table({"id": [None], "gate": ["B4"]}), mode="append", schema_mode="merge")
    assert len(rows(tmp_path / "t")) == 2


def test_an_incompatible_change_is_refused_with_every_reason_and_leaves_the_table_alone(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", flights())
    write_deltalake(tmp_path / "t", pa.table({"id": ["a"]}), mode="append", schema_mode="merge")
    version = DeltaTable(tmp_path / "t").version()
    with pytest.raises(TableFailed) as refused:
        evolve_table(tmp_path / "t", wanted_schema(columns(id="integer", gate={"type": "string", "required": True})))
    assert "column delay" in str(refused.value)
    assert "column id: its type would change from string to long" in str(refused.value)
    assert "column gate: it is new and required" in str(refused.value)
    assert DeltaTable(tmp_path / "t").version() == version


def test_an_empty_table_follows_every_change(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", flights())
    wanted = wanted_schema(columns(id="integer", day="date"), ("day",), "flight")
    assert evolve_table(tmp_path / "t", wanted) == (Recreate(),)
    state = read_table(tmp_path / "t")
    assert state is not None
    assert state.schema == wanted


def test_replacing_empties_the_table_and_the_log_keeps_the_older_versions(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", flights())
    write_deltalake(tmp_path / "t", pa.table({"id": ["a"]}), mode="append", schema_mode="merge")
    before = DeltaTable(tmp_path / "t").version()
    wanted = wanted_schema(columns(id="integer"), (), "flight")
    assert evolve_table(tmp_path / "t", wanted, replace=True) == (Recreate(),)
    assert rows(tmp_path / "t") == []
    older = DeltaTable(tmp_path / "t", version=before)
    assert older.to_pyarrow_table().num_rows == 1


def test_an_interrupted_evolution_resumes(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", flights())
    write_deltalake(tmp_path / "t", pa.table({"id": ["a"]}), mode="append", schema_mode="merge")
    evolve_table(tmp_path / "t", flights(gate="string"))  # the first of two steps, then killed
    steps = evolve_table(tmp_path / "t", flights(gate="string", runway="string"))
    assert steps is not None
    assert [step.field["name"] for step in steps if isinstance(step, AddColumn)] == ["runway"]


def test_partitioned_rows_are_stored_in_folders(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", wanted_schema(columns(id="string", day="string"), ("day",)))
    write_deltalake(tmp_path / "t", pa.table({"id": ["a"], "day": ["mon"]}), mode="append")
    assert list((tmp_path / "t").glob("day=mon/*.parquet"))


def test_a_damaged_log_is_a_clear_error(tmp_path: Path) -> None:
    evolve_table(tmp_path / "t", flights())
    (tmp_path / "t" / "_delta_log" / "00000000000000000000.json").write_text("{oops")
    with pytest.raises(TableFailed, match="cannot read the table in") as failed:
        read_table(tmp_path / "t")
    assert "_delta_log" in (failed.value.hint or "")
