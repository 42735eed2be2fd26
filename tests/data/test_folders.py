"""Rows of models in folders of Parquet files, and rows of landing areas."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alchemesh_platform.connections import InputPort, NotReadable, OutputPort, RowsRefused, WriteConflict
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.systems.local.data import folder as local_folder
from alchemesh_platform.systems.local.landing.ingestion import ingest
from alchemesh_platform.systems.local.landing.reading import Reading
from tests.data.products import read

SALE = {
    "sale_id": {"type": "integer", "key": True, "required": True},
    "amount": {"type": "number", "precision": 10, "scale": 2},
    "day": {"type": "string"},
}


def files_port(folder: Path, properties: dict[str, Any] | None = None) -> OutputPort:
    storage = {"kind": "files", "url": folder.as_uri(), "format": "parquet"}
    models = {"sale": properties or SALE}
    known = {"product": "retail/orders", "environment": "local", "outputs": {"raw": {"storage": storage}}}
    return read({**known, "schemas": {"raw": {"models": models}}}).output("raw")


def ids(port: OutputPort) -> list[int]:
    return sorted(row["sale_id"] for row in port.read("sale").pylist())


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "sale").iterdir())


@pytest.fixture
def port(tmp_path: Path) -> OutputPort:
    return files_port(tmp_path)


def test_each_mode_replaces_the_rows_that_it_names(port: OutputPort, tmp_path: Path) -> None:
    port.write("sale", [{"sale_id": 1, "day": "a"}, {"sale_id": 2, "day": "b"}])
    port.write("sale", [{"sale_id": 3, "day": "a", "amount": Decimal("1.10")}])
    assert ids(port) == [1, 2, 3]
    assert port.write("sale", [{"sale_id": 2, "day": "c"}, {"sale_id": 4}], "merge").version == 3
    assert ids(port) == [1, 2, 3, 4]
    port.write("sale", [{"sale_id": 5, "day": "a"}], "replace_where", where={"day": "a"})
    assert ids(port) == [2, 4, 5]
    assert port.read("sale", where={"sale_id": 2}, columns=["day"]).pylist() == [{"day": "c"}]
    port.write("sale", [{"sale_id": 6}], "overwrite")
    assert ids(port) == [6]
    manifest = json.loads((tmp_path / "sale" / "_manifest.json").read_bytes())
    assert [each["rows"] for each in manifest["files"]] == [1]
    names = [manifest["files"][0]["name"], "_manifest.json", ".alchemesh-write.lock"]
    assert listed(tmp_path) == sorted(names)


def test_a_refused_row_leaves_the_folder_as_it_was(port: OutputPort, tmp_path: Path) -> None:
    port.write("sale", [{"sale_id": 1}])
    before = listed(tmp_path)
    with pytest.raises(
        RowsRefused, match=r"row 2 \(sale_id 1\): sale_id: another row in the table has the same sale_id"
    ):
        port.write("sale", [{"sale_id": 2}, {"sale_id": 1}])
    with pytest.raises(RowsRefused, match=r"amount: found 0\.001, which decimal"):
        port.write("sale", [{"sale_id": 2, "amount": Decimal("0.001")}])
    assert (listed(tmp_path), ids(port)) == (before, [1])


def test_files_that_were_there_before_the_first_write_count(tmp_path: Path) -> None:
    port = files_port(tmp_path)
    (tmp_path / "sale").mkdir()
    pq.write_table(pa.table({"sale_id": [1, 2]}), tmp_path / "sale" / "old.parquet")
    assert ids(port) == [1, 2]
    port.write("sale", [{"sale_id": 2, "day": "b"}, {"sale_id": 3}], "merge")
    assert ids(port) == [1, 2, 3]


def test_a_condition_on_a_column_that_a_file_lacks_meets_no_row_of_it(tmp_path: Path) -> None:
    port = files_port(tmp_path)
    (tmp_path / "sale").mkdir()
    pq.write_table(pa.table({"sale_id": [1, 2]}), tmp_path / "sale" / "old.parquet")
    assert port.read("sale", columns=["sale_id"], where={"day": "a"}).pylist() == []
    port.write("sale", [{"sale_id": 3, "day": "a"}])
    assert port.read("sale", columns=["sale_id"], where={"day": "a"}).pylist() == [{"sale_id": 3}]


def test_a_file_that_no_manifest_names_is_not_read_and_goes_with_the_next_write(
    port: OutputPort, tmp_path: Path
) -> None:
    port.write("sale", [{"sale_id": 1}])
    half = tmp_path / "sale" / "00000002-killed.parquet"
    pq.write_table(pa.table({"sale_id": [7]}), half)
    assert ids(port) == [1]
    port.write("sale", [{"sale_id": 2}])
    assert (ids(port), half.exists()) == ([1, 2], False)


def test_a_writer_that_was_overtaken_writes_nothing(
    port: OutputPort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers of another machine do not take turns with those of this one."""
    port.write("sale", [{"sale_id": 1}])
    original = local_folder.LocalStore.write_manifest

    def overtaken(store: Any, content: bytes, token: Any) -> None:
        original(store, content.replace(b'"version": 2', b'"version": 9'), token)
        original(store, content, token)

    monkeypatch.setattr(local_folder.LocalStore, "write_manifest", overtaken)
    with pytest.raises(WriteConflict, match="another writer changed the table of model 'sale' meanwhile, so nothing"):
        port.write("sale", [{"sale_id": 2}])


def test_a_repeated_write_is_known_by_its_id(port: OutputPort) -> None:
    assert port.write("sale", [{"sale_id": 1}], run="one").rows == 1
    assert port.write("sale", [{"sale_id": 1}], run="one").repeated


def test_a_folder_knows_the_fingerprint_of_its_rows(port: OutputPort) -> None:
    port.write("sale", [{"sale_id": 1}], "overwrite", fingerprint="a")
    assert (port.is_current("sale", "a"), port.is_current("sale", "b")) == (True, False)
    before = port.read("sale").fingerprint()
    port.write("sale", [{"sale_id": 2}])
    assert not port.is_current("sale", "a")
    assert port.read("sale").fingerprint() != before


def test_files_of_an_earlier_model_are_read_with_the_new_one(port: OutputPort, tmp_path: Path) -> None:
    port.write("sale", [{"sale_id": 1}])
    newer = files_port(tmp_path, {**SALE, "shop": {"type": "string"}})
    newer.write("sale", [{"sale_id": 2, "shop": "north"}])
    found = sorted(newer.read("sale", columns=["sale_id", "shop"]).pylist(), key=lambda row: row["sale_id"])
    assert found == [{"sale_id": 1, "shop": None}, {"sale_id": 2, "shop": "north"}]
    other = files_port(tmp_path, {**SALE, "day": {"type": "date"}})
    with pytest.raises(NotReadable, match="have another schema than the model: column day is string there"):
        other.read("sale").arrow()


LANDED = {"id": {"type": "integer", "required": True}, "price": {"type": "number", "precision": 20, "scale": 2}}


def landing(folder: Path, declared: dict[str, Any] | None, **files: str) -> InputPort:
    source, target = folder / "source", folder / "landing"
    for each in (source, target):
        each.mkdir(exist_ok=True)
    for name, content in files.items():
        (source / f"{name}.csv").write_text(content, "utf-8")
    columns = [SourceColumn.model_validate({"name": name, **each}) for name, each in (declared or {}).items()]
    if files:
        ingest("*", source, target, Reading("csv", columns=tuple(columns) or None))
    given = {"storage": {"kind": "files", "url": target.as_uri(), "format": "parquet"}}
    known = {"product": "retail/orders", "environment": "local", "inputs": {"sales": given}}
    schemas = {"sales": {"declared": declared}} if declared else {}
    return read({**known, "schemas": schemas}).input("sales")


def test_landed_rows_have_the_declared_types(tmp_path: Path) -> None:
    port = landing(tmp_path, LANDED, a="id,price\n1,123456789012345678.90\n", b="id,price\n2,\n")
    rows = port.read()
    assert rows.schema.field("price").type == pa.decimal128(20, 2)
    assert rows.pylist() == [{"id": 1, "price": Decimal("123456789012345678.90")}, {"id": 2, "price": None}]
    sales = rows.duckdb()
    assert duckdb.sql("SELECT sum(price) FROM sales WHERE id < 9").fetchall() == [(Decimal("123456789012345678.90"),)]
    assert sales.count("id").fetchall() == [(2,)]
    assert port.read(columns=["id"], where=[("id", ">", 1)]).pylist() == [{"id": 2}]


def test_landed_text_without_a_schema_stays_text(tmp_path: Path) -> None:
    port = landing(tmp_path, None, a="code,size\n0017,1E5\n")
    assert port.read().pylist() == [{"code": "0017", "size": "1E5"}]
    with pytest.raises(NotReadable, match="the landed files have no column 'codes'; they have code, size"):
        port.read(columns=["codes"])


def test_a_landing_area_without_rows_is_empty_or_says_what_to_do(tmp_path: Path) -> None:
    assert landing(tmp_path, LANDED).read().pylist() == []
    with pytest.raises(NotReadable, match="input port 'sales': no row has landed yet in") as reported:
        landing(tmp_path, None).read()
    assert "`alchemesh up` lands the files that the port names" in str(reported.value)


def test_bytes_and_times_of_parquet_files_stay_as_they_are(tmp_path: Path) -> None:
    """DuckDB's session has the zone UTC: a result does not depend on the zone of the machine."""
    port = landing(tmp_path, None)
    moment = datetime(2024, 3, 31, 1, 30, tzinfo=UTC)
    rows = pa.table({"blob": [b"\x00\xff"], "at": pa.array([moment], pa.timestamp("us", "UTC"))})
    pq.write_table(rows, tmp_path / "landing" / "a.parquet")
    assert port.read().arrow().equals(rows)
    sales = port.read().duckdb()
    assert sales.project('CAST("at" AS VARCHAR)').fetchall() == [("2024-03-31 01:30:00+00",)]


@pytest.mark.parametrize("other", [{}, {"shop": {"type": "string", "key": True}}])
def test_a_merge_into_files_has_one_zero(tmp_path: Path, other: dict[str, Any]) -> None:
    port = files_port(tmp_path, {"at": {"type": "number", "key": True}, **other, "name": {"type": "string"}})
    rest = dict.fromkeys(other, "x")
    port.write("sale", [{"at": 0.0, **rest, "name": "old"}, {"at": 1.0, **rest, "name": "old"}])
    port.write("sale", [{"at": -0.0, **rest, "name": "new"}], mode="merge")
    assert sorted((row["at"], row["name"]) for row in port.read("sale").pylist()) == [(0.0, "new"), (1.0, "old")]
