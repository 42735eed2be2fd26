"""Rows are erased from the current version of a Delta table, and from the files of former versions."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.machine.directory import OWNER_FILE
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.sdk.system.erasure import ErasedRows, NotErasable
from alchemesh_platform.systems.local.data_api.serving.cluster import Cluster
from alchemesh_platform.systems.local.data_api.serving.loader import Loader
from alchemesh_platform.systems.local.data_api.serving.loading.load import CopiedTable
from alchemesh_platform.systems.local.data_api.serving.loading.source import DeltaSource
from alchemesh_platform.systems.local.data_api.serving.loading.state import CopyState, TableState, write_state
from alchemesh_platform.systems.local.data_api.serving.place import Place
from alchemesh_platform.systems.local.erasure import ERASURE, copy_problem
from alchemesh_platform.systems.local.tables.columns import Column
from alchemesh_platform.systems.local.tables.delta import TableFailed, evolve_table, observe_table
from alchemesh_platform.systems.local.tables.erasing import count_rows, delete_rows, remove_expired, remove_former
from alchemesh_platform.systems.local.tables.evolution import wanted_schema
from tests.systems.local.tables.aged import age

PEOPLE = pa.table({"id": [1, 2, 3, 4], "fullName": ["Ada", "Bob", None, "Ada"], "city": ["Ulm", "Ulm", "Jena", "Jena"]})
COLUMNS = {"id": "integer", "name": "string"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A partitioned table with a former version, in which one row was overwritten."""
    folder = tmp_path / "people"
    write_deltalake(folder, PEOPLE, partition_by=["city"])
    DeltaTable(folder).update(predicate="id = 2", new_values={"fullName": "Robert"})
    (folder / OWNER_FILE).write_text("{}\n")
    return folder


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*.parquet")}


def names(folder: Path, column: str = "fullName") -> set[str | None]:
    """The names in all files of a folder, whether they belong to the table or not."""
    return {name for file in files(folder) for name in pq.read_table(folder / file)[column].to_pylist()}


def port(folder: Path) -> PortConnections:
    return PortConnections(storage=TablesConnection(format="delta", tables={"person": folder.as_uri()}))


def test_erased_and_overwritten_rows_are_in_no_file(table: Path) -> None:
    """Both stayed in the folder until a vacuum that nobody ran."""
    assert names(table) == {"Ada", "Bob", "Robert", None}
    assert ERASURE.count(port(table), "person", "\"fullName\" = 'Ada'") == 2
    before, said, begun = DeltaTable(table).version(), list[str](), list[int]()
    done = ERASURE.erase(port(table), "person", "\"fullName\" = 'Ada' -- a comment", said.append, begun.append)
    assert (done, begun) == (ErasedRows(2, 3, None), [2])
    assert said == ["erased 2 rows of table person", "removed 3 files of former versions of table person"]
    left = DeltaTable(table).to_pyarrow_table().sort_by("id")
    assert left.select(["id", "fullName"]).to_pydict() == {"id": [2, 3], "fullName": ["Robert", None]}
    assert names(table) == {"Robert", None}
    operations = [one["operation"] for one in DeltaTable(table).history() if one["version"] > before]
    assert operations.count("DELETE") == 1, "the rows go in one commit"
    assert (table / OWNER_FILE).is_file()


def test_whole_partition_is_erased(table: Path) -> None:
    done = ERASURE.erase(port(table), "person", "city = 'Jena'", lambda _line: None, lambda _rows: None)
    assert done.rows == 2
    assert names(table) == {"Ada", "Robert"}


def test_second_call_finishes_an_erasure_that_was_killed_after_its_commit(table: Path) -> None:
    delete_rows(table, "id = 1")
    assert "Bob" in names(table)
    begun = list[int]()
    done = ERASURE.erase(port(table), "person", "id = 1", lambda _line: None, begun.append)
    assert (done.rows, begun) == (0, [0])
    assert names(table) == {"Robert", "Ada", None}
    assert files(table) == set(DeltaTable(table).get_add_actions(flatten=True).column("path").to_pylist())
    assert remove_former(table) == 0


def test_files_of_a_killed_writer_are_removed_and_those_of_a_running_one_stay(table: Path) -> None:
    killed, running = table / "city=Ulm" / "killed.parquet", table / "city=Ulm" / "running.parquet"
    for file in (killed, running):
        pq.write_table(PEOPLE.select(["id", "fullName"]), file)
    two_hours_ago = time.time() - 2 * 3600
    os.utime(killed, (two_hours_ago, two_hours_ago))
    remove_former(table)
    assert (killed.exists(), running.exists()) == (False, True)


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("nobody = 1", "No field named nobody"),
        ("id =", "Expected: an expression"),
        ("id", "Cannot create filter with non-boolean predicate"),
        ("id = 1; SELECT 2", "Expected: )"),
        ("  ", "the predicate is empty"),
    ],
)
def test_wrong_predicate_is_refused_with_the_columns(table: Path, where: str, reason: str) -> None:
    version = DeltaTable(table).version()
    with pytest.raises(NotErasable) as refused:
        ERASURE.erase(port(table), "person", where, lambda _line: None, lambda _rows: None)
    assert reason in refused.value.message
    assert "the columns are id, fullName, city;" in (refused.value.hint or "")
    assert DeltaTable(table).version() == version


@pytest.mark.parametrize("where", ["id = 1) OR (id = 2", "id = 1 OR id = 2", "id < 3 -- and no more", "(id) IN (1, 2)"])
def test_counted_rows_are_the_deleted_ones(table: Path, where: str) -> None:
    """The library deletes by the first expression of a text, and ignores the rest."""
    assert count_rows(table, where) == 2
    delete_rows(table, where)
    assert DeltaTable(table).to_pyarrow_table()["id"].to_pylist() == [3, 4]


def test_predicate_with_a_query_is_refused(table: Path) -> None:
    version = DeltaTable(table).version()
    with pytest.raises(NotErasable, match="cannot be deleted by"):
        delete_rows(table, "id IN (SELECT 1)")
    assert DeltaTable(table).version() == version


def test_tables_elsewhere_are_refused(tmp_path: Path) -> None:
    tables = TablesConnection(format="bigquery", tables={"person": "bigquery://p/d/person"})
    with pytest.raises(NotErasable, match="no Delta table of this machine"):
        ERASURE.count(PortConnections(storage=tables), "person", "id = 1")
    with pytest.raises(TableFailed, match="there is no table in"):
        count_rows(tmp_path / "nothing", "id = 1")


def test_erasure_names_what_the_log_of_the_table_keeps(table: Path) -> None:
    kept = ERASURE.remains(port(table), "person")
    assert kept.startswith(str(table / "_delta_log")) and "the smallest and largest value of each column" in kept


def test_copy_is_current_only_when_it_has_the_last_commit(table: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "copy", tmp_path / "sockets")
    place.folder.mkdir()
    committed_at = DeltaSource(table).snapshot().committed_at
    for at, problem in (
        (committed_at, ""),
        (committed_at - timedelta(seconds=1), "its PostgreSQL does not run; it loads the current version"),
        (None, "its PostgreSQL does not run; it loads the current version"),
    ):
        state = TableState(name="person", loaded_at=datetime.now(UTC), committed_at=at)
        write_state(place.state_file, CopyState(tables=(state,)))
        assert copy_problem(place, "person", table).startswith(problem)
        assert bool(copy_problem(place, "person", table)) == bool(problem)


def test_former_versions_end_with_the_retention_and_readers_keep_the_current_one(tmp_path: Path) -> None:
    """Overwritten rows stayed in the folder of a table until a vacuum that nobody ran."""
    folder = tmp_path / "people"

    def overwrite(name: str) -> None:
        write_deltalake(folder, pa.table({"id": [1], "name": [name]}), mode="overwrite", schema_mode="overwrite")

    def declare(hours: int | None) -> None:
        columns = [Column.model_validate({"name": name, "type": kind}) for name, kind in COLUMNS.items()]
        evolve_table(folder, wanted_schema(columns, retention_hours=hours))

    declare(None)
    overwrite("Ada")
    overwrite("Bob")
    age(folder, 48)
    assert (remove_expired(folder), names(folder, "name")) == (0, {"Ada", "Bob"}), (
        "without a retention, former versions stay"
    )
    declare(24)
    seen = observe_table(folder)
    assert seen is not None
    assert (seen.retention, seen.vacuumed_at, seen.overdue_files) == (timedelta(hours=24), None, 1)
    current = DeltaTable(folder).to_pyarrow_dataset()
    overwrite("Cid")
    assert remove_expired(folder) == 1
    assert names(folder, "name") == {"Bob", "Cid"}, "a reader of the version that was current may still read it"
    assert current.to_table()["name"].to_pylist() == ["Bob"]
    version = DeltaTable(folder).version()
    assert (remove_expired(folder), DeltaTable(folder).version()) == (0, version), "a vacuum of nothing is no commit"
    seen = observe_table(folder)
    assert seen is not None
    assert seen.vacuumed_at is not None
    assert (seen.overdue_files, seen.rows) == (0, 1)
    declare(None)
    age(folder, 48)
    assert (remove_expired(folder), names(folder, "name")) == (0, {"Bob", "Cid"})
    assert DeltaTable(folder).metadata().configuration == {}


def test_table_that_is_created_with_a_retention_has_it_for_every_tool(tmp_path: Path) -> None:
    columns = [Column.model_validate({"name": "id", "type": "integer"})]
    evolve_table(tmp_path / "t", wanted_schema(columns, retention_hours=24))
    assert DeltaTable(tmp_path / "t").metadata().configuration == {
        "alchemesh.retentionHours": "24",
        "delta.deletedFileRetentionDuration": "interval 24 hours",
    }
    assert evolve_table(tmp_path / "t", wanted_schema(columns, retention_hours=24)) == ()
    assert remove_expired(tmp_path / "nothing") == 0


def test_files_of_partitions_with_any_name_expire(tmp_path: Path) -> None:
    rows = pa.table({"id": [1, 2], "city": ["New York %2F", "Köln"]})
    for number in (1, 2):
        write_deltalake(tmp_path / "t", rows, mode="overwrite", partition_by=["city"])
        if number == 1:
            columns = [
                Column.model_validate({"name": n, "type": k}) for n, k in (("id", "integer"), ("city", "string"))
            ]
            evolve_table(tmp_path / "t", wanted_schema(columns, ["city"], retention_hours=1))
    age(tmp_path / "t", 2)
    seen = observe_table(tmp_path / "t")
    assert seen is not None
    assert (seen.overdue_files, remove_expired(tmp_path / "t"), len(files(tmp_path / "t"))) == (2, 2, 2)
    assert DeltaTable(tmp_path / "t").to_pyarrow_table().num_rows == 2


def test_serving_copy_expires_former_versions_at_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No schedule removed them, although the process that follows a table always runs."""
    folder = tmp_path / "people"
    columns = [Column.model_validate({"name": name, "type": kind}) for name, kind in COLUMNS.items()]
    evolve_table(folder, wanted_schema(columns, retention_hours=1))
    cluster = Cluster(str(tmp_path / "copy"), str(tmp_path / "s"), str(tmp_path), False)
    tables = [CopiedTable("people", folder, "delta"), CopiedTable("files", tmp_path / "files", "parquet")]
    loader = Loader(cluster, tables, tmp_path)
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    left = []
    for moment in (1.0, 2.0, 700.0):
        for name in ("Ada", "Bob"):
            rows = pa.table({"id": [1], "name": [name]})
            write_deltalake(folder, rows, mode="overwrite", schema_mode="overwrite")
        age(folder, 2)
        clock[0] = moment
        loader.expire()
        left.append(len(files(folder)))
    assert left == [1, 3, 1]
