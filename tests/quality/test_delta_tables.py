"""Counts of Delta tables: from the log where it is exact, of new files where a table only grew, else of all rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.connections import NotReadable, OutputPort
from alchemesh_platform.manifest.models import Property, QualityRule
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.rows import RowTables
from alchemesh_platform.quality.rules import verify
from alchemesh_platform.quality.tables import Deadline, MeasuredPort
from alchemesh_platform.systems.local.quality.delta import measure
from tests.data.deletion_vectors import delete_rows
from tests.data.products import Properties, shop

SALE: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "key": True, "required": True},
    "code": {"type": "string", "enum": ["a", "b"]},
    "size": {"type": "integer", "required": True},
}
REQUIRED: dict[str, dict[str, Any]] = {"page": {"type": "string", "required": True}, "note": {"type": "string"}}


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int, int]]]:
    """The statements that read rows: view, number of sums, and number of keys."""
    made: list[tuple[str, int, int]] = []
    counted = RowTables.counted

    def noted(self: RowTables, view: str, sums: Sequence[Any], groups: Sequence[Any]) -> Any:
        if sums or groups:
            made.append((view.strip('"'), len(sums), len(groups)))
        return counted(self, view, sums, groups)

    monkeypatch.setattr(RowTables, "counted", noted)
    yield made


def quality(folder: Path, port: OutputPort, properties: Properties = SALE) -> dict[str, Any]:
    """The measures of the table `sale`."""
    model = {name: Property.model_validate(each) for name, each in properties.items()}
    measured_port = MeasuredPort(
        product="retail/orders",
        name="shop",
        connection=port.storage,
        models={"sale": model},
        read=port.read,
        kept=folder / "kept",
    )
    with measure(measured_port) as tables:
        found = measured(tables, "sale", model, 60)
    return {each.measure: each.unknown or (each.good, each.total) for each in found}


def rows(*sizes: int | None, code: str = "a") -> list[dict[str, Any]]:
    return [{"id": f"{code}{size}", "code": code, "size": size or 0} for size in sizes]


def test_the_log_counts_rows_and_nulls_without_a_scan(tmp_path: Path, scans: list[Any]) -> None:
    port = shop(tmp_path, REQUIRED)
    assert quality(tmp_path, port, REQUIRED)["completeness"] == "the table has no rows"
    port.write("sale", [{"page": "/", "note": None}, {"page": "/a", "note": "x"}])
    port.write("sale", [{"page": "/b", "note": None}])

    assert quality(tmp_path, port, REQUIRED)["completeness"] == (3, 3)
    assert scans == []


def test_rows_deleted_by_a_vector_are_not_counted(tmp_path: Path) -> None:
    """The statistics of a file still count rows that a deletion vector removed."""
    port = shop(tmp_path, SALE)
    port.write("sale", rows(0, 1, 2, 3))
    assert quality(tmp_path, port)["completeness"] == (8, 8)
    delete_rows(tmp_path / "sale", (1, 3))

    assert quality(tmp_path, port) == {"completeness": (4, 4), "validity": (2, 2), "uniqueness": (2, 2)}


def test_a_table_that_only_grew_is_counted_where_it_grew(tmp_path: Path, scans: list[Any]) -> None:
    port = shop(tmp_path, SALE)
    port.write("sale", rows(1, 2, 3))
    assert quality(tmp_path, port) == {"completeness": (6, 6), "validity": (3, 3), "uniqueness": (3, 3)}
    assert scans == [("sale", 1, 1)], "the log has the other counts"
    scans.clear()

    port.write("sale", rows(4, code="b"))
    assert quality(tmp_path, port) == {"completeness": (8, 8), "validity": (4, 4), "uniqueness": (4, 4)}
    assert sorted(scans) == [("new rows of sale", 1, 0), ("sale", 0, 1)]
    scans.clear()

    assert quality(tmp_path, port)["validity"] == (4, 4)
    assert scans == [("sale", 0, 1)], "nothing is new, and only the key is read"


def foreign(folder: Path, code: str, *sizes: int) -> None:
    """Rows of another writer, which checks no rule."""
    schema = pa.schema([("id", pa.string()), ("code", pa.string()), ("size", pa.int64())])
    found = [{"id": "1", "code": code, "size": size} for size in sizes]
    write_deltalake(str(folder / "sale"), pa.Table.from_pylist(found, schema), mode="append")


def test_counts_are_right_after_an_overwrite_a_delete_a_compaction_and_a_restore(tmp_path: Path) -> None:
    port = shop(tmp_path, SALE)
    port.write("sale", rows(1, 2))
    foreign(tmp_path, "bad", 7)
    assert quality(tmp_path, port) == {"completeness": (6, 6), "validity": (2, 3), "uniqueness": (3, 3)}
    table = DeltaTable(str(tmp_path / "sale"))
    before = table.version()

    port.write("sale", rows(1, 2, 3), "overwrite")
    assert quality(tmp_path, port) == {"completeness": (6, 6), "validity": (3, 3), "uniqueness": (3, 3)}

    table.update_incremental()
    table.delete("size = 1")
    assert quality(tmp_path, port) == {"completeness": (4, 4), "validity": (2, 2), "uniqueness": (2, 2)}

    port.write("sale", rows(4))
    table.update_incremental()
    table.optimize.compact()
    assert quality(tmp_path, port) == {"completeness": (6, 6), "validity": (3, 3), "uniqueness": (3, 3)}

    table.update_incremental()
    table.restore(before)
    assert quality(tmp_path, port) == {"completeness": (6, 6), "validity": (2, 3), "uniqueness": (3, 3)}


def test_kept_counts_of_another_table_or_of_a_cut_log_are_not_used(tmp_path: Path) -> None:
    port = shop(tmp_path, SALE)
    port.write("sale", rows(1, 2))
    assert quality(tmp_path, port)["validity"] == (2, 2)
    foreign(tmp_path, "bad", 3)
    DeltaTable(str(tmp_path / "sale")).create_checkpoint()
    (tmp_path / "sale" / "_delta_log" / f"{1:020d}.json").unlink()
    (tmp_path / "sale" / "_delta_log" / f"{2:020d}.json").unlink()
    assert quality(tmp_path, port)["validity"] == (2, 3)

    (kept,) = (tmp_path / "kept").iterdir()
    document = json.loads(kept.read_text())
    kept.write_text(json.dumps({**document, "table": "other", "sums": dict.fromkeys(document["sums"], 99)}))
    assert quality(tmp_path, port)["validity"] == (2, 3)
    kept.write_text("{damaged")
    assert quality(tmp_path, port)["validity"] == (2, 3)


def test_a_file_that_is_gone_is_no_row_that_the_log_still_counts(tmp_path: Path) -> None:
    port = shop(tmp_path, REQUIRED)
    port.write("sale", [{"page": "/", "note": None}])
    for file in (tmp_path / "sale").glob("*.parquet"):
        file.unlink()

    with pytest.raises(NotReadable, match="lacks 1 of its files, such as part-"):
        quality(tmp_path, port, REQUIRED)


@pytest.mark.parametrize("folder", ["a*b", "with space 'quote'"])
@pytest.mark.parametrize("parts", [(), ("code",)])
def test_partitions_odd_paths_and_new_columns_are_read(tmp_path: Path, folder: str, parts: tuple[str, ...]) -> None:
    place = tmp_path / folder
    shop(place, {"id": SALE["id"], "code": SALE["code"]}, *parts).write("sale", [{"id": "1", "code": "a"}])
    port = shop(place, {**SALE, "size": {"type": "integer"}}, *parts)
    port.write("sale", rows(2, code="b"))
    model = {**SALE, "size": {"type": "integer", "required": True}}

    assert quality(place, port, model) == {"completeness": (3, 4), "validity": (2, 2), "uniqueness": (2, 2)}


def test_queries_read_the_files_of_the_port_and_no_others(tmp_path: Path) -> None:
    port = shop(tmp_path, SALE)
    port.write("sale", rows(1, 2))
    other = tmp_path / "other.csv"
    other.write_text("a\n1\n")
    model = {name: Property.model_validate(each) for name, each in SALE.items()}
    queries = ["SELECT count(*) FROM sale", f"SELECT count(*) FROM read_csv('{other}')"]
    rules = [
        QualityRule.model_validate({"name": f"test-{at}", "type": "sql", "query": query, "mustBe": 2})
        for at, query in enumerate(queries)
    ]
    measured_port = MeasuredPort(
        product="retail/orders", name="shop", connection=port.storage, models={"sale": model}, read=port.read
    )
    with measure(measured_port) as tables:
        one, two = verify(tables, {"sale": model}, rules, Deadline(timedelta(minutes=1)))

    assert one.outcome == "passed"
    assert (two.outcome, two.reason.startswith("Permission Error: Cannot access file")) == ("error", True)


def test_the_greatest_value_of_new_files_is_that_of_the_table(tmp_path: Path) -> None:
    from alchemesh_platform.quality.statement import Sum

    times = {"at": {"type": "timestamp"}}
    port = shop(tmp_path, times)
    newest = Sum('epoch_us(max("at"))', greatest=True)
    model = {name: Property.model_validate(each) for name, each in times.items()}
    measured_port = MeasuredPort(
        product="retail/orders",
        name="shop",
        connection=port.storage,
        models={"sale": model},
        read=port.read,
        kept=tmp_path / "kept",
    )

    def found() -> Any:
        with measure(measured_port) as tables:
            return tables.counts("sale", [newest], [], 60).sums[newest]

    assert found() is None
    for day in (2, 1):
        port.write("sale", [{"at": datetime(2026, 1, day, tzinfo=UTC)}])
        assert found() == datetime(2026, 1, 2, tzinfo=UTC).timestamp() * 1_000_000
