"""Rows of a model in a Delta table: written all or nothing, checked first, and read back as they were."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from alchemesh_platform.connections import DataError, NotReadable, NotWritable, OutputPort, RowsRefused
from tests.data.products import Properties, document, read, shop

SALE: Properties = {
    "sale_id": {"type": "integer", "key": True, "required": True},
    "article": {"type": "string", "enum": ["Atlas", "Globe"]},
    "code": {"type": "string", "pattern": "^[A-Z]+$"},
    "amount": {"type": "number", "precision": 10, "scale": 2},
    "weight": {"type": "number"},
    "paid": {"type": "boolean"},
    "day": {"type": "date"},
    "clock": {"type": "time"},
    "sold_at": {"type": "timestamp"},
    "buyer": {
        "type": "object",
        "properties": {"name": {"type": "string", "required": True}, "age": {"type": "integer"}},
    },
    "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}},
}
MAY = datetime(2024, 5, 1, 8, 30, 0, 123456, tzinfo=UTC)
ATLAS: dict[str, Any] = {
    "sale_id": 9_007_199_254_740_993,
    "article": "Atlas",
    "code": "A",
    "amount": Decimal("1.10"),
    "weight": 0.1,
    "paid": True,
    "day": date(2024, 2, 29),
    "clock": "13:45:00",
    "sold_at": MAY,
    "buyer": {"name": "Ada", "age": None},
    "tags": ["old", None],
}
EMPTY = {**dict.fromkeys(SALE), "sale_id": 1}


@pytest.fixture
def port(tmp_path: Path) -> OutputPort:
    return shop(tmp_path, SALE)


def table(folder: Path) -> DeltaTable:
    return DeltaTable(str(folder / "sale"))


def test_every_type_is_read_as_it_was_written(port: OutputPort) -> None:
    port.write("sale", [ATLAS, EMPTY])
    assert port.read("sale").pylist() == [ATLAS, EMPTY]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda rows: rows, id="Table"),
        pytest.param(lambda rows: rows.to_batches()[0], id="RecordBatch"),
        pytest.param(lambda rows: rows.to_reader(), id="RecordBatchReader"),
        pytest.param(lambda rows: iter(rows.to_batches(max_chunksize=1)), id="batches"),
        pytest.param(lambda rows: duckdb.sql("FROM rows"), id="DuckDB"),
        pytest.param(lambda rows: rows.to_pylist(), id="dictionaries"),
        pytest.param(lambda rows: (row for row in rows.to_pylist()), id="generator of dictionaries"),
        pytest.param(lambda rows: [rows, rows.slice(0, 0)], id="tables"),
    ],
)
def test_data_of_each_kind_is_written_alike(port: OutputPort, given: Callable[[Any], Any], tmp_path: Path) -> None:
    rows = pa.table({"sale_id": [1, 2], "amount": pa.array([Decimal("0.10"), None], pa.decimal128(10, 2))})
    written = port.write("sale", given(rows))
    assert (written.rows, written.mode, written.version) == (2, "append", 1)
    found = sorted(port.read("sale", columns=["sale_id", "amount"]).pylist(), key=lambda row: row["sale_id"])
    assert found == rows.to_pylist()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame_keeps_every_value_on_its_way_out_and_in(port: OutputPort, tmp_path: Path, library: str) -> None:
    port.write("sale", [ATLAS, EMPTY])
    frame = getattr(port.read("sale"), library)()
    assert type(frame).__module__.partition(".")[0] == library
    assert list(frame.columns) == list(ATLAS)
    other = shop(tmp_path / "other", SALE)
    assert other.write("sale", frame).rows == 2
    assert other.read("sale").pylist() == [ATLAS, EMPTY]


def test_rows_that_were_read_can_be_written(port: OutputPort, tmp_path: Path) -> None:
    port.write("sale", [ATLAS])
    other = shop(tmp_path / "other", SALE)
    other.write("sale", port.read("sale"))
    assert other.read("sale").pylist() == [ATLAS]


@pytest.mark.parametrize(
    ("row", "column", "found"),
    [
        ({"sale_id": None}, "sale_id", "found null, and it is required"),
        ({"article": "Pen"}, "article", "found 'Pen', expected one of Atlas, Globe"),
        ({"code": "a1"}, "code", "found 'a1', expected the pattern ^[A-Z]+$"),
        ({"amount": Decimal("1.105")}, "amount", "found 1.105, which decimal(10,2) cannot hold exactly"),
        ({"amount": 1.105}, "amount", "found 1.105, which decimal(10,2) cannot hold exactly"),
        ({"amount": "1.10"}, "amount", "found '1.10' (str), expected decimal(10,2)"),
        ({"sale_id": 2**64}, "sale_id", "found 18446744073709551616, which integer cannot hold exactly"),
        ({"sale_id": 1.5}, "sale_id", "found 1.5, which integer cannot hold exactly"),
        ({"sale_id": True}, "sale_id", "found True (bool), expected integer"),
        ({"weight": 2**53 + 1}, "weight", "found 9007199254740993, which number cannot hold exactly"),
        ({"weight": Decimal(f"0.1{0:018}1")}, "weight", f"found 0.1{0:018}1, which number cannot hold exactly"),
        ({"day": MAY}, "day", "found 2024-05-01 08:30:00.123456+00:00 (datetime), expected date"),
        ({"clock": "25:00"}, "clock", "found '25:00' (str), expected time"),
        ({"buyer": {"age": 3}}, "buyer.name", "found null, and it is required"),
        ({"buyer": {"name": "Ada", "shoe": 40}}, "buyer", "found the part 'shoe', which the model has not"),
        ({"tags": ["old", "New"]}, "tags[]", "found 'New', expected the pattern ^[a-z]+$"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_is_named_and_nothing_is_written(
    port: OutputPort, tmp_path: Path, row: dict[str, Any], column: str, found: str
) -> None:
    with pytest.raises(RowsRefused) as refused:
        port.write("sale", [ATLAS, {**EMPTY, **row}])
    (misfit,) = refused.value.misfits
    assert (misfit.row, misfit.column, misfit.found) == (2, column, found)
    assert table(tmp_path).version() == 0


def test_a_refusal_shows_the_first_rows_with_their_keys(port: OutputPort) -> None:
    with pytest.raises(RowsRefused) as refused:
        port.write("sale", ({"sale_id": number, "code": "a"} for number in range(9_000, 9_020)))
    lines = str(refused.value).splitlines()
    assert lines[0] == "output port 'shop': rows do not fit model 'sale', so nothing was written"
    assert lines[1] == "  row 1 (sale_id 9000): code: found 'a', expected the pattern ^[A-Z]+$"
    assert len(refused.value.misfits) == 5


def test_a_time_without_a_zone_is_refused_with_a_remedy(port: OutputPort) -> None:
    local = datetime(2024, 5, 1, 8, 30)
    zoneless = (
        "without a time zone; a time without a time zone is no instant: set `time_zone` in the schema of the input"
    )
    with pytest.raises(RowsRefused, match=f"sold_at: found 2024-05-01T08:30:00 {zoneless}"):
        port.write("sale", [{"sale_id": 1, "sold_at": local}])
    with pytest.raises(NotWritable, match=f"sold_at: found timestamps {zoneless}"):
        port.write("sale", pa.table({"sale_id": [1], "sold_at": pa.array([local], pa.timestamp("us"))}))


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        ([2**53 + 1], pa.int64(), "weight: found 9007199254740993, which number cannot hold exactly"),
        ([Decimal("0.10000000000000000001")], pa.decimal128(30, 20), "which number cannot hold exactly"),
        (["1"], pa.string(), "weight: found string, expected number"),
        ([b"1"], pa.binary(), "weight: found binary, expected number"),
    ],
)
def test_an_arrow_value_that_would_change_is_refused(
    port: OutputPort, values: list[Any], kind: pa.DataType, reason: str
) -> None:
    with pytest.raises(NotWritable, match=reason):
        port.write("sale", pa.table({"sale_id": [1], "weight": pa.array(values, kind)}))


def test_values_of_other_types_that_are_equal_are_taken(port: OutputPort) -> None:
    """DuckDB sums integers as HUGEINT, and pandas has integers with nulls as floating-point numbers."""
    rows = duckdb.sql("""
        SELECT sum(1)::HUGEINT AS sale_id, 2.50 AS amount, 4.5::DECIMAL(3,1) AS weight, TIME '12:30:00' AS clock,
            TIMESTAMPTZ '2024-05-01 10:30:00+02' AS sold_at, ['a']::VARCHAR[1] AS tags
    """)
    port.write("sale", rows)
    (row,) = port.read("sale").pylist()
    assert row["sale_id"] == 1
    assert (row["amount"], row["weight"], row["clock"], row["tags"]) == (Decimal("2.50"), 4.5, "12:30:00", ["a"])
    assert row["sold_at"] == datetime(2024, 5, 1, 8, 30, tzinfo=UTC)


def test_a_column_that_the_model_lacks_is_refused_and_a_missing_one_is_null(port: OutputPort) -> None:
    with pytest.raises(NotWritable, match="found the column 'sale_idd', which model 'sale' has not") as refused:
        port.write("sale", pa.table({"sale_idd": [1]}))
    assert "did you mean 'sale_id'?" in str(refused.value)
    with pytest.raises(NotWritable, match="the data has no column 'sale_id', which model 'sale' requires"):
        port.write("sale", pa.table({"code": ["A"]}))
    with pytest.raises(NotWritable, match="found the column 'other', which model 'sale' has not"):
        port.write("sale", [{"sale_id": 1}, {"sale_id": 2, "other": 3}])


def test_a_key_is_unique_in_the_data_and_in_the_table(port: OutputPort, tmp_path: Path) -> None:
    with pytest.raises(RowsRefused, match=r"row 3 \(sale_id 7\): sale_id: another row in the written rows") as twice:
        port.write("sale", [{"sale_id": number} for number in (7, 8, 7)])
    assert twice.value.hint == "fix or leave out these rows in the code, or change the model in the manifest"
    port.write("sale", [{"sale_id": number} for number in range(100)])
    with pytest.raises(
        RowsRefused, match=r"row 2 \(sale_id 99\): sale_id: another row in the table has the same"
    ) as there:
        port.write("sale", [{"sale_id": number} for number in (100, 99)])
    assert there.value.hint == (
        'write with mode="merge" to replace the rows of the table that have the same key, or leave out these rows in '
        "the code"
    )
    assert port.write("sale", [{"sale_id": 100}]).rows == 1
    assert table(tmp_path).version() == 2


def test_a_key_of_several_columns_is_unique_as_a_whole(tmp_path: Path) -> None:
    port = shop(tmp_path, {"shop": {"type": "string", "key": True}, "day": {"type": "date", "key": True}})
    first, second = date(2024, 5, 1), date(2024, 5, 2)
    port.write("sale", [{"shop": "north", "day": first}, {"shop": "north", "day": second}])
    port.write("sale", [{"shop": "south", "day": first}])
    with pytest.raises(RowsRefused, match=r"\(shop 'south', day 2024-05-01\): shop, day: another row in the table"):
        port.write("sale", [{"shop": "south", "day": second}, {"shop": "south", "day": first}])


def test_a_unique_property_stays_unique_in_a_merge(tmp_path: Path) -> None:
    port = shop(tmp_path, {"id": {"type": "integer", "key": True}, "mail": {"type": "string", "unique": True}})
    port.write("sale", [{"id": 1, "mail": "a"}, {"id": 2, "mail": "b"}, {"id": 3, "mail": None}])
    port.write("sale", [{"id": 1, "mail": "b"}, {"id": 2, "mail": "a"}, {"id": 4, "mail": None}], "merge")
    with pytest.raises(RowsRefused, match=r"row 1 \(mail 'a'\): mail: another row in the table has the same mail"):
        port.write("sale", [{"id": 3, "mail": "a"}], "merge")
    found = {row["id"]: row["mail"] for row in port.read("sale").pylist()}
    assert found == {1: "b", 2: "a", 3: None, 4: None}


def test_merge_replaces_rows_with_the_same_key_and_adds_the_others(port: OutputPort) -> None:
    port.write("sale", [{"sale_id": 1, "code": "A"}, {"sale_id": 2, "code": "B"}])
    assert port.write("sale", [{"sale_id": 2, "code": "C"}, {"sale_id": 3, "code": "D"}], "merge").rows == 2
    found = sorted((row["sale_id"], row["code"]) for row in port.read("sale").pylist())
    assert found == [(1, "A"), (2, "C"), (3, "D")]


def test_replace_where_replaces_the_rows_that_meet_its_conditions(port: OutputPort) -> None:
    first, second = date(2024, 5, 1), date(2024, 5, 2)
    port.write("sale", [{"sale_id": 1, "day": first}, {"sale_id": 2, "day": second}, {"sale_id": 3}])
    port.write("sale", [{"sale_id": 4, "day": second}], "replace_where", where={"day": second})
    assert sorted(row["sale_id"] for row in port.read("sale").pylist()) == [1, 3, 4]
    with pytest.raises(RowsRefused, match=r"row 1 \(sale_id 5\): day: the row is outside of `where`: day >= "):
        port.write("sale", [{"sale_id": 5, "day": first}], "replace_where", where=[("day", ">=", second)])
    with pytest.raises(RowsRefused, match=r"row 1 \(sale_id 3\): sale_id: another row in the table"):
        port.write("sale", [{"sale_id": 3, "day": second}], "replace_where", where={"day": second})


def test_overwrite_replaces_all_rows_and_keeps_the_schema(port: OutputPort, tmp_path: Path) -> None:
    before = json.loads(table(tmp_path).schema().to_json())
    port.write("sale", [ATLAS])
    port.write("sale", [EMPTY], "overwrite")
    assert port.read("sale").pylist() == [EMPTY]
    assert json.loads(table(tmp_path).schema().to_json()) == before
    assert [field["nullable"] for field in before["fields"]] == [False] + [True] * 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "upsert"}, "found mode 'upsert', and the modes of a Delta table are 'append', 'overwrite',"),
        ({"mode": "replace_where"}, "mode 'replace_where' needs `where`, the rows that it replaces"),
        ({"where": {"sale_id": 1}}, "`where` belongs to mode 'replace_where', found mode 'append'"),
        ({"mode": "replace_where", "where": {"id": 1}}, "there is no column 'id'"),
        ({"mode": "replace_where", "where": "sale_id = 1"}, "found the condition 's' in `where`"),
        ({"mode": "replace_where", "where": [("sale_id", "~", 1)]}, "found the operator '~', expected one of = != <"),
        ({"mode": "replace_where", "where": {"sale_id": None}}, "compares with null, which is true for no row"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused_before_anything_is_written(
    port: OutputPort, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotWritable, match=message.replace("(", r"\(")):
        port.write("sale", [EMPTY], **arguments)


def test_an_unknown_model_or_kind_of_data_is_refused(port: OutputPort, tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="it has no model 'sales'; there are sale"):
        port.write("sales", [])
    with pytest.raises(NotWritable, match="found int, expected an Arrow table, a record batch"):
        port.write("sale", 7)
    old = document(tmp_path, {"sale": SALE}) | {"schemas": {}}
    with pytest.raises(NotWritable, match="its models are not known here: an earlier version deployed the product"):
        read(old).output("shop").write("sale", [])


def test_a_document_of_an_earlier_version_is_still_read(port: OutputPort, tmp_path: Path) -> None:
    port.write("sale", [ATLAS])
    old = document(tmp_path, {"sale": SALE})
    del old["schemas"]
    assert read(old).output("shop").read().pylist() == [ATLAS]


def test_rows_are_read_by_columns_conditions_and_forms(port: OutputPort) -> None:
    port.write("sale", ({"sale_id": number, "code": "A" if number % 2 else None} for number in range(200_000)))
    rows = port.read(columns=["sale_id"], where=[("sale_id", ">=", 10), ("sale_id", "<", 14), ("code", "=", "A")])
    assert rows.pylist() == [{"sale_id": 11}, {"sale_id": 13}]
    everything = port.read("sale")
    sizes = [batch.num_rows for batch in everything.batches()]
    assert sum(sizes) == 200_000
    assert max(sizes) < 100_000
    relation = everything.duckdb()
    assert relation.aggregate("count(*), count(code)").fetchall() == [(200_000, 100_000)]
    assert relation.count("sale_id").fetchall() == [(200_000,)]
    assert pa.table(everything).num_rows == 200_000
    with pytest.raises(NotReadable, match="there is no column 'codes'"):
        port.read(columns=["codes"])
    with pytest.raises(NotReadable, match="it has no model 'sales'"):
        port.read("sales")


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    port: OutputPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(DataError) as missing:
        port.read("sale").polars()
    assert str(missing.value) == "polars is not installed here\n\nhint: `pip install polars` installs it"


def test_all_uses_of_rows_see_the_same_version(port: OutputPort) -> None:
    port.write("sale", [EMPTY])
    rows = port.read("sale")
    port.write("sale", [{"sale_id": 2}])
    assert len(rows.pylist()) == len(rows.pylist()) == 1


def test_a_repeated_run_writes_once(port: OutputPort, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The writes of a run to one model are counted: its second write is not its first one again."""
    from alchemesh_platform.data import running

    monkeypatch.setenv("ALCHEMESH_RUN", "run-1")
    for attempt in range(2):
        running._writes.clear()  # another process of the same run
        first, second = (port.write("sale", [{"sale_id": number}]) for number in (1, 2))
        assert (first.repeated, second.repeated) == (attempt == 1, attempt == 1)
        assert (first.rows, second.rows) == ((0, 0) if attempt else (1, 1))
    assert sorted(row["sale_id"] for row in port.read("sale").pylist()) == [1, 2]
    assert port.write("sale", [{"sale_id": 3}], run="day 3").rows == 1
    assert port.write("sale", [{"sale_id": 3}], run="day 3").repeated


def test_each_command_of_a_run_counts_its_own_writes(port: OutputPort, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python a.py && python b.py`: the first write of the second command was taken for that of the first."""
    from alchemesh_platform.data import running

    monkeypatch.setenv("ALCHEMESH_RUN", "run-of-several-commands")
    commands = (["a.py"], ["b.py"], ["b.py", "--day", "2"], ["a.py"])
    repeated = []
    for number, command in enumerate(commands):
        running._writes.clear()
        monkeypatch.setattr(sys, "argv", command)
        repeated.append(port.write("sale", [{"sale_id": number}]).repeated)
    assert repeated == [False, False, False, True]
    assert sorted(row["sale_id"] for row in port.read("sale").pylist()) == [0, 1, 2]


def test_nothing_is_written_when_the_rows_have_the_same_fingerprint(port: OutputPort, tmp_path: Path) -> None:
    assert not port.is_current("sale", "inputs of monday")
    assert port.write("sale", [EMPTY], "overwrite", fingerprint="inputs of monday").rows == 1
    table(tmp_path).alter.set_column_metadata("code", {"comment": "Code of the article"})
    assert port.is_current("sale", "inputs of monday")
    assert port.write("sale", iter([7]), "overwrite", fingerprint="inputs of monday").repeated
    assert not port.is_current("sale", "inputs of tuesday")
    table(tmp_path).delete()
    assert not port.is_current("sale", "inputs of monday")
    with pytest.raises(NotWritable, match="`fingerprint` belongs to mode 'overwrite', found mode 'append'"):
        port.write("sale", [EMPTY], fingerprint="x")


def test_rows_have_a_fingerprint_that_changes_with_them(port: OutputPort) -> None:
    port.write("sale", [EMPTY])
    before = port.read("sale").fingerprint()
    assert port.read("sale").fingerprint() == before
    assert port.read("sale", columns=["sale_id"]).fingerprint() != before
    port.write("sale", [{"sale_id": 2}])
    assert port.read("sale").fingerprint() != before


@pytest.mark.parametrize(
    ("given", "kept"), [("13:45", "13:45:00"), ("13:45:00.500", "13:45:00.5"), ("00:00", "00:00:00")]
)
def test_a_time_of_day_has_one_form(port: OutputPort, given: str, kept: str) -> None:
    """BigQuery gives it back in this form too."""
    port.write("sale", [{"sale_id": 1, "clock": given}])
    port.write("sale", pa.table({"sale_id": [2], "clock": [given]}))
    assert {row["clock"] for row in port.read("sale").pylist()} == {kept}


def test_a_table_with_deletion_vectors_is_read_by_the_query_engine(
    port: OutputPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrow's own reader does not apply them. The types and conditions are the same."""
    from alchemesh_platform.systems.local.data import delta

    port.write("sale", [ATLAS, EMPTY])
    monkeypatch.setattr(delta, "has_deletion_vectors", lambda table: True)
    assert sorted(port.read("sale").pylist(), key=lambda row: row["sale_id"]) == [EMPTY, ATLAS]
    assert port.read("sale", columns=["code"], where={"article": "Atlas"}).pylist() == [{"code": "A"}]
    with pytest.raises(RowsRefused, match="another row in the table has the same sale_id"):
        port.write("sale", [EMPTY])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        pytest.param(pa.list_view(pa.int32()), [[1, None], None, [], [2]], id="list view"),
        pytest.param(pa.large_list_view(pa.int32()), [[1, None], None, [], [2]], id="large list view"),
        pytest.param(pa.list_(pa.list_view(pa.int64())), [[[1], None], None], id="list of list views"),
    ],
)
def test_items_of_views_are_the_items_that_they_show(tmp_path: Path, kind: pa.DataType, values: Any) -> None:
    """Arrow's own conversion of a view reads outside of its items."""
    items = (
        {"type": "integer"} if "list" not in str(kind.value_type) else {"type": "array", "items": {"type": "integer"}}
    )
    model: Properties = {"numbers": {"type": "array", "items": items}}
    port = shop(tmp_path, model)
    port.write("sale", pa.table({"numbers": pa.array([*values, [], *values], kind).slice(1)}))
    assert [row["numbers"] for row in port.read("sale").pylist()] == [*values, [], *values][1:]


@pytest.mark.parametrize(
    ("model", "column", "message"),
    [
        ({"type": "object", "properties": {"at": {"type": "time"}}}, [{"at": "25:99"}], "x.at: found '25:99', expect"),
        ({"type": "array", "items": {"type": "time"}}, [["25:99"]], "x[]: found '25:99', expected a time such as"),
        ({"type": "number", "precision": 5, "scale": 1}, pa.array([1.25], pa.float16()), "found 1.25, which decimal"),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}},
            pa.StructArray.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["a", "a"]),
            "found the part 'a' twice",
        ),
    ],
)  # fmt: skip
def test_arrow_values_that_no_conversion_changes_are_checked_too(
    tmp_path: Path, model: Any, column: Any, message: str
) -> None:
    """Times inside of objects and arrays were written as they came."""
    port = shop(tmp_path, {"x": model})
    with pytest.raises(NotWritable) as refused:
        port.write("sale", pa.table({"x": column}))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ({"type": "string"}, "\ud800", "found '\\ud800', which is no text of Unicode"),
        ({"type": "time"}, "1\u0663:45:00", "expected time"),
        ({"type": "number"}, Decimal("sNaN"), "found sNaN, which number cannot hold exactly"),
        (
            {"type": "timestamp"},
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "found 0001-01-01 00:00:00+02:00, which timestamp cannot hold exactly",
        ),
    ],
)
def test_a_value_that_python_has_and_arrow_has_not_is_named(
    tmp_path: Path, kind: Any, value: Any, message: str
) -> None:
    with pytest.raises(RowsRefused) as refused:
        shop(tmp_path, {"x": kind}).write("sale", [{"x": value}])
    assert message in str(refused.value)


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("s", "UTC")])
def test_a_year_that_python_has_not_is_refused(tmp_path: Path, kind: pa.DataType) -> None:
    """A date of the year 10000 was written, and the table could not be read any more."""
    model = {"x": {"type": "date" if pa.types.is_date(kind) else "timestamp", "key": True}, "list": {"type": "array"}}
    model["list"]["items"] = {"type": model["x"]["type"]}
    port = shop(tmp_path, model)
    first = 2_932_897 if pa.types.is_date(kind) else 253_402_300_800
    for name, column in (("x", [first]), ("list[]", [[first]])):
        whole = kind if name == "x" else pa.list_(kind)
        with pytest.raises(RowsRefused) as refused:
            port.write("sale", pa.table({name.removesuffix("[]"): pa.array(column, whole)}))
        assert f"{name}: found '10000-01-01" in str(refused.value)
        assert "expected a year from 1 to 9999" in str(refused.value)
    last = pa.array([first - 1], kind)
    port.write("sale", pa.table({"x": last}))
    assert port.read("sale").arrow()["x"].cast(kind).to_pylist() == last.to_pylist()


def test_an_empty_text_names_no_partition(tmp_path: Path) -> None:
    """Delta reads it as null: the value changed in silence."""
    port = shop(tmp_path, {"id": {"type": "integer", "key": True}, "shop": {"type": "string"}}, "shop")
    with pytest.raises(RowsRefused, match=r"row 2 \(id 2\): shop: found an empty text, which the name of a partition"):
        port.write("sale", [{"id": 1, "shop": "a/b=ü '%20"}, {"id": 2, "shop": ""}])
    rows = [{"id": 1, "shop": "a/b=ü '%20"}, {"id": 2, "shop": None}]
    port.write("sale", rows)
    assert sorted(port.read("sale").pylist(), key=lambda row: row["id"]) == rows


def test_a_column_whose_name_is_no_text_is_named(port: OutputPort) -> None:
    with pytest.raises(NotWritable, match="found the column 1, which model 'sale' has not"):
        port.write("sale", [{"sale_id": 1, 1: 2}])


@pytest.mark.parametrize(
    ("columns", "message"),
    [("code", "found the text 'code' as `columns`, expected a list of names"), ([], "`columns` names no column")],
)
def test_columns_are_a_list_of_names(port: OutputPort, columns: Any, message: str) -> None:
    with pytest.raises(NotReadable, match=message):
        port.read("sale", columns=columns)


@pytest.mark.parametrize("other", [{}, {"shop": {"type": "string", "key": True}}])
def test_a_key_has_one_zero(tmp_path: Path, other: Any) -> None:
    """-0.0 was another key than 0.0 in a check, and the same in a merge."""
    port = shop(tmp_path, {"at": {"type": "number", "key": True}, **other, "name": {"type": "string"}})
    rest = dict.fromkeys(other, "x")
    with pytest.raises(RowsRefused, match="another row in the written rows has the same at"):
        port.write("sale", [{"at": 0.0, **rest}, {"at": -0.0, **rest}])
    port.write("sale", [{"at": 0.0, **rest, "name": "old"}])
    with pytest.raises(RowsRefused, match="another row in the table has the same at"):
        port.write("sale", [{"at": -0.0, **rest}])
    port.write("sale", [{"at": -0.0, **rest, "name": "new"}], mode="merge")
    assert port.read("sale").pylist() == [{"at": 0.0, **rest, "name": "new"}]


@pytest.mark.parametrize(
    ("kind", "enum", "fits", "other"),
    [
        ("time", ["13:45", "08:00:00.50"], "13:45:00", "13:46:00"),
        ("timestamp", ["2024-05-01T12:00:00+02:00"], datetime(2024, 5, 1, 10, tzinfo=UTC), MAY),
        ("timestamp", ["2024-05-01T10:00:00Z"], datetime(2024, 5, 1, 10, tzinfo=UTC), MAY),
        ("date", ["2024-05-01"], date(2024, 5, 1), date(2024, 5, 2)),
    ],
)
def test_values_of_an_enum_are_compared_as_their_type(
    tmp_path: Path, kind: str, enum: list[str], fits: Any, other: Any
) -> None:
    """The texts of moments and of times without seconds were compared, so that no row could be written."""
    port = shop(tmp_path, {"x": {"type": kind, "enum": enum}})
    port.write("sale", [{"x": fits}, {"x": None}])
    with pytest.raises(RowsRefused, match="expected one of"):
        port.write("sale", [{"x": other}])
    assert {row["x"] for row in port.read("sale").pylist()} == {fits, None}


@pytest.mark.parametrize(
    ("declared", "fits", "low", "high"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 2.5}, [1, 2], 0, 3),
        ({"type": "integer", "minimum": 9007199254740993}, [9007199254740993], 9007199254740992, None),
        ({"type": "number", "minimum": 0.1, "maximum": 1}, [0.1, 1.0], 0.09, float("nan")),
        (
            {"type": "number", "precision": 6, "scale": 2, "minimum": 0.1, "maximum": 1},
            [Decimal("0.10"), Decimal(1)],
            Decimal("0.09"),
            Decimal("1.01"),
        ),
        (
            {"type": "date", "minimum": "2024-05-01", "maximum": "2024-05-02"},
            [date(2024, 5, 1)],
            date(2024, 4, 30),
            date(2024, 5, 3),
        ),
        (
            {"type": "timestamp", "minimum": "2024-05-01T12:00:00+02:00"},
            [datetime(2024, 5, 1, 10, tzinfo=UTC)],
            datetime(2024, 5, 1, 9, 59, tzinfo=UTC),
            None,
        ),
    ],
)
def test_values_outside_of_a_range_are_refused(
    tmp_path: Path, declared: dict[str, Any], fits: list[Any], low: Any, high: Any
) -> None:
    port = shop(tmp_path, {"x": declared})
    port.write("sale", [{"x": each} for each in (*fits, None)])
    with pytest.raises(RowsRefused, match=f"x: found .*, expected at least {re.escape(str(declared['minimum']))}"):
        port.write("sale", [{"x": low}])
    if high is not None:
        with pytest.raises(RowsRefused, match=f"x: found .*, expected at most {re.escape(str(declared['maximum']))}"):
            port.write("sale", [{"x": high}])
    assert [row["x"] for row in port.read("sale").pylist()] == [*fits, None]


def test_texts_of_a_dictionary_of_views_are_written(tmp_path: Path) -> None:
    """Categories of Polars have this type, for which Arrow has no conversion."""
    port = shop(tmp_path, {"x": {"type": "string"}, "list": {"type": "array", "items": {"type": "string"}}})
    texts = pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint8()), pa.array(["a", "b"], pa.string_view()))
    lists = pa.ListArray.from_arrays([0, 1, 2, 3], texts)
    port.write("sale", pa.table({"x": texts, "list": lists}))
    assert port.read("sale").pylist() == [{"x": each, "list": [each]} for each in ("b", None, "a")]


@pytest.mark.parametrize("data", [pa.chunked_array([["a"]]), pa.array(["a"])])
def test_a_series_without_columns_is_refused(port: OutputPort, data: Any) -> None:
    with pytest.raises(NotWritable, match="output port 'shop': Arrow cannot hold the data: "):
        port.write("sale", data)


def test_the_index_of_a_data_frame_is_not_lost(port: OutputPort) -> None:
    """A DataFrame after `groupby` has its groups as index: their column was null."""
    index = SimpleNamespace(names=[None, "article"])
    frame = type("DataFrame", (), {"__module__": "pandas", "columns": ["sale_id"], "index": index})()
    with pytest.raises(NotWritable, match="the DataFrame has 'article' as its index, which is no column") as refused:
        port.write("sale", frame)
    assert refused.value.hint == "`reset_index()` makes it a column, and `reset_index(drop=True)` leaves it out"


@pytest.mark.parametrize("rule", ["key", "unique"])
def test_a_number_that_equals_nothing_is_no_key(tmp_path: Path, rule: str) -> None:
    """NaN was there twice, and a merge then replaced both rows."""
    with pytest.raises(RowsRefused, match=r"row 2.*: at: found nan, expected a value that equals itself"):
        shop(tmp_path, {"at": {"type": "number", rule: True}}).write("sale", [{"at": 1.0}, {"at": float("nan")}])
