"""The copy follows the commits of its table. Readers neither wait nor see half of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.systems.local.data_api.serving.loading.columns import CopyRefused
from alchemesh_platform.systems.local.data_api.serving.loading.load import Copy, forget_others, resume
from alchemesh_platform.systems.local.data_api.serving.place import Place, connect
from tests.systems.local.serving.conftest import as_consumer
from tests.waiting import until

pytestmark = pytest.mark.slow

Copies = Callable[..., Copy]


def load(copy: Copy) -> int:
    """Load what is new; returns the number of rows that were loaded."""
    return copy.load(copy.snapshot()) if copy.moved() else 0


def ids(connection: psycopg.Connection[Any], copy: Copy) -> list[int]:
    return sorted(id_ for (id_,) in connection.execute(f'SELECT id FROM "{copy.table.name}"').fetchall())


def test_only_added_files_are_loaded_when_commits_only_add(
    copy_of: Copies, consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    table = tmp_path / "t"
    rows = pa.table({"id": [1, 2], "region": ["north", None], "place": [{"city": "Köln"}, None]})
    write_deltalake(table, rows, partition_by=["region"])
    copy = copy_of(table)
    assert (load(copy), load(copy)) == (2, 0)
    for number in (3, 4):
        more = pa.table({"id": [number], "region": ["a b/c%"], "place": [{"city": "\u2400"}]})
        write_deltalake(table, more, mode="append")
    assert load(copy) == 2
    found = consumer.execute(f'SELECT id, region, place FROM "{copy.table.name}" ORDER BY id').fetchall()
    assert found == [
        (1, "north", {"city": "Köln"}),
        (2, None, None),
        (3, "a b/c%", {"city": "\u2400"}),
        (4, "a b/c%", {"city": "\u2400"}),
    ]


@pytest.mark.parametrize("change", ["delete", "update", "overwrite", "merge", "new column"])
def test_any_other_commit_loads_the_table_again(
    copy_of: Copies, consumer: psycopg.Connection[Any], tmp_path: Path, change: str
) -> None:
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"id": [1, 2, 3]}))
    copy = copy_of(table)
    load(copy)
    delta = DeltaTable(table)
    if change == "delete":
        delta.delete("id = 2")
    elif change == "update":
        delta.update(predicate="id = 2", new_values={"id": 20})
    elif change == "overwrite":
        write_deltalake(table, pa.table({"id": [1, 20]}), mode="overwrite")
    elif change == "merge":
        merged = delta.merge(pa.table({"id": [2, 5]}), "t.id = s.id", source_alias="s", target_alias="t")
        merged.when_matched_delete().when_not_matched_insert_all().execute()
    else:
        more = pa.table({"id": [4], "note": ["x"]})
        write_deltalake(table, more, mode="append", schema_mode="merge")
    load(copy)
    expected = sorted(DeltaTable(table).to_pyarrow_table()["id"].to_pylist())
    assert ids(consumer, copy) == expected
    if change == "new column":
        assert consumer.execute(f'SELECT note FROM "{copy.table.name}" WHERE id = 4').fetchone() == ("x",)


def test_compaction_and_vacuum_load_nothing(copy_of: Copies, consumer: psycopg.Connection[Any], tmp_path: Path) -> None:
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"id": [1]}))
    write_deltalake(table, pa.table({"id": [2]}), mode="append")
    copy = copy_of(table)
    load(copy)
    DeltaTable(table).optimize.compact()
    DeltaTable(table).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert load(copy) == 0
    write_deltalake(table, pa.table({"id": [3]}), mode="append")
    assert load(copy) == 1
    assert ids(consumer, copy) == [1, 2, 3]


def test_a_reader_in_a_transaction_keeps_its_rows_and_delays_nobody(
    copy_of: Copies, place: Place, consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """A table that is replaced waits for the transactions that have read it. Others must not wait behind it."""
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"id": [1]}))
    copy = copy_of(table)
    load(copy)
    with as_consumer(place) as slow:
        slow.execute("BEGIN")
        assert ids(slow, copy) == [1]
        write_deltalake(table, pa.table({"id": [2]}), mode="overwrite")
        loading = threading.Thread(target=lambda: load(copy))
        loading.start()
        until(lambda: is_loaded_beside(place, copy), "the new table is loaded beside it")
        consumer.execute("SET statement_timeout = '10s'")
        for _ in range(20):
            assert ids(consumer, copy) == [1]
        assert ids(slow, copy) == [1]
        slow.execute("COMMIT")
        loading.join(60)
    assert ids(consumer, copy) == [2]


def test_a_transaction_that_began_before_a_load_never_sees_an_empty_table(
    copy_of: Copies, place: Place, consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """PostgreSQL shows a replaced table without rows to an older snapshot, even if it holds no lock on it."""
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"id": [1]}))
    copy = copy_of(table)
    load(copy)
    with as_consumer(place) as older:
        older.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        older.execute("SELECT 1 FROM pg_class LIMIT 1")
        write_deltalake(table, pa.table({"id": [2]}), mode="overwrite")
        loading = threading.Thread(target=lambda: load(copy))
        loading.start()
        until(lambda: is_loaded_beside(place, copy), "the new table is loaded beside it")
        assert ids(older, copy) == [1]
        older.execute("COMMIT")
        loading.join(60)
    assert ids(consumer, copy) == [2]


def is_loaded_beside(place: Place, copy: Copy) -> bool:
    with connect(place) as session:
        found = session.execute("SELECT to_regclass(%s)", (f'alchemesh_loading."{copy.table.name}"',)).fetchone()
    return found is not None and found[0] is not None


def test_a_restarted_loader_resumes_from_the_copy(
    copy_of: Copies, consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"id": [1], "place": [{"a": 1}]}))
    load(copy_of(table))
    again = copy_of(table)
    resume(again)
    assert load(again) == 0
    write_deltalake(table, pa.table({"id": [2], "place": [{"a": 2}]}), mode="append")
    assert load(again) == 1
    assert ids(consumer, again) == [1, 2]


def test_a_table_that_is_no_longer_served_is_removed(
    copy_of: Copies, place: Place, consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "t", pa.table({"id": [1]}))
    copy = copy_of(tmp_path / "t")
    load(copy)
    forget_others(place, ["another"])
    with pytest.raises(psycopg.errors.UndefinedTable):
        ids(consumer, copy)


def test_a_key_is_the_primary_key_until_rows_break_it(
    copy_of: Copies, consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"id": [1, 2]}))
    copy = copy_of(table, key=("id",))
    load(copy)
    query = "SELECT indisprimary FROM pg_index WHERE indrelid = %s::regclass"
    assert consumer.execute(query, (f'"{copy.table.name}"',)).fetchall() == [(True,)]
    write_deltalake(table, pa.table({"id": [2]}), mode="append")
    load(copy)
    assert ids(consumer, copy) == [1, 2, 2]
    assert consumer.execute(query, (f'"{copy.table.name}"',)).fetchall() == [(False,)]


def test_a_table_over_its_size_limit_is_refused_and_the_former_rows_stay(
    copy_of: Copies, consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"id": [1]}))
    copy = copy_of(table, bytes_max=10_000)
    load(copy)
    write_deltalake(table, pa.table({"id": list(range(10_000))}), mode="overwrite")
    with pytest.raises(CopyRefused, match=r"is larger than the limit of its serving copy, 1e-05 GB") as refused:
        load(copy)
    assert refused.value.hint == "raise `max_gigabytes` of the proxy, or use a storage that serves itself"
    assert ids(consumer, copy) == [1]


def test_a_folder_of_parquet_follows_its_files(
    copy_of: Copies, consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    copy = copy_of(tmp_path, "parquet")
    assert load(copy) == 0
    assert consumer.execute(f'SELECT count(*) FROM "{copy.table.name}"').fetchone() == (0,)
    pq.write_table(pa.table({"id": [1]}), tmp_path / "a.parquet")
    assert load(copy) == 1
    (tmp_path / "day=1").mkdir()
    pq.write_table(pa.table({"id": [2]}), tmp_path / "day=1" / "b.parquet")
    pq.write_table(pa.table({"id": [9]}), tmp_path / "_unfinished.parquet")
    assert load(copy) == 1
    assert ids(consumer, copy) == [1, 2]
    (tmp_path / "a.parquet").unlink()
    assert load(copy) == 1
    assert ids(consumer, copy) == [2]
