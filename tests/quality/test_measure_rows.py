"""Completeness, validity and uniqueness of rows: the counts of SQL are those of a plain count in Python."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_type
from alchemesh_platform.manifest.models import Property
from alchemesh_platform.quality.statement import Counted, select_of, statement_of
from alchemesh_platform.quality.tables import TooSlow
from tests.quality.ports import measure_rows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = {
    "id": Property.model_validate({"type": "string", "key": True, "required": True}),
    "part": Property.model_validate({"type": "integer", "key": True}),
    "code": Property.model_validate({"type": "string", "pattern": "^[A-Z]{2}$", "required": True}),
    "size": Property.model_validate({"type": "string", "enum": ["s", "m", "it's"], "pattern": "^.{1,4}$"}),
    "amount": Property.model_validate({"type": "number", "precision": 6, "scale": 2, "enum": [1, 2.5]}),
    'odd "name"': Property.model_validate({"type": "integer", "enum": [1, 2]}),
    "place": Property.model_validate(
        {"type": "object", "properties": {"city": {"type": "string", "required": True, "enum": ["Rome"]}}}
    ),
}


def rows_of(rows: Sequence[Mapping[str, Any]], model: Mapping[str, Property] = MODEL) -> Rows:
    """Rows that may break every rule, also that a value is required."""
    schema = pa.schema([pa.field(name, arrow_type(each)) for name, each in model.items()])
    table = pa.Table.from_pylist([dict(row) for row in rows], schema)
    return Rows(schema, table.to_batches)


def measured(rows: Sequence[Mapping[str, Any]], model: Mapping[str, Property] = MODEL) -> dict[str, Any]:
    found = measure_rows(rows_of(rows, model), model)
    return {each.measure: each.unknown or (each.good, each.total) for each in found}


def counted(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """The same counts, cell by cell."""
    required = [row.get(name) is not None for row in rows for name in ("id", "code")]
    required += [row["place"]["city"] is not None for row in rows if row.get("place") is not None]
    valid = [re.search("^[A-Z]{2}$", row["code"]) is not None for row in rows if row.get("code") is not None]
    valid += [
        row["size"] in ("s", "m", "it's") and re.search("^.{1,4}$", row["size"]) is not None
        for row in rows
        if row.get("size") is not None
    ]
    valid += [row["amount"] in (1, Decimal("2.5")) for row in rows if row.get("amount") is not None]
    valid += [row['odd "name"'] in (1, 2) for row in rows if row.get('odd "name"') is not None]
    valid += [row["place"]["city"] == "Rome" for row in rows if (row.get("place") or {}).get("city") is not None]
    keys = [(row["id"], row["part"]) for row in rows if row.get("id") is not None and row.get("part") is not None]
    return {
        "completeness": (sum(required), len(required)),
        "validity": (sum(valid), len(valid)),
        "uniqueness": (len(set(keys)), len(keys)),
    }


ROW = st.fixed_dictionaries(
    {
        "id": st.none() | st.sampled_from(["a", "b", "ü", ""]),
        "part": st.none() | st.integers(0, 2),
        "code": st.none() | st.sampled_from(["AB", "abc", "", "A", "'; DROP TABLE x; --"]),
        "size": st.none() | st.sampled_from(["s", "m", "it's", "xl", "extra"]),
        "amount": st.none() | st.sampled_from([Decimal("1.00"), Decimal("2.50"), Decimal("2.51")]),
        'odd "name"': st.none() | st.integers(0, 3),
        "place": st.none() | st.fixed_dictionaries({"city": st.none() | st.sampled_from(["Rome", "Oslo"])}),
    }
)


@settings(max_examples=25)  # each one opens a database
@given(st.lists(ROW, max_size=12))
def test_counts_are_those_of_a_count_by_hand(rows: list[dict[str, Any]]) -> None:
    unknown = {"completeness": "", "validity": "every cell with a condition is null", "uniqueness": "no row has a key"}
    wanted = {
        name: counts if counts[1] else unknown[name] if rows else "the table has no rows"
        for name, counts in counted(rows).items()
    }
    assert measured(rows) == wanted


def test_a_model_without_rules_has_unknown_quality() -> None:
    model = {"note": Property.model_validate({"type": "string"})}

    assert measured([{"note": "x"}], model) == {
        "completeness": "the model has no required property",
        "validity": "no property has an enum, a pattern or a range",
        "uniqueness": "the model has no key",
    }


@pytest.mark.parametrize(
    ("declared", "good", "bad"),
    [
        ({"type": "date", "enum": ["2026-03-01"]}, date(2026, 3, 1), date(2026, 3, 2)),
        ({"type": "timestamp", "enum": ["2026-03-01T12:00:00"]}, NOON, NOON + timedelta(microseconds=1)),
        ({"type": "time", "enum": ["13:45"]}, "13:45:00", "13:46:00"),
        ({"type": "number", "enum": [0.1]}, 0.1, 0.10001),
        ({"type": "integer", "enum": [9007199254740993]}, 9007199254740993, 9007199254740992),
        ({"type": "integer", "minimum": 9007199254740993}, 9007199254740993, 9007199254740992),
        ({"type": "number", "maximum": 0.1}, 0.1, 0.10001),
        ({"type": "number", "precision": 6, "scale": 2, "minimum": 0.1}, Decimal("0.10"), Decimal("0.09")),
        ({"type": "date", "minimum": "2026-03-01"}, date(2026, 3, 1), date(2026, 2, 28)),
        ({"type": "timestamp", "maximum": "2026-03-01T12:00:00"}, NOON, NOON + timedelta(microseconds=1)),
        ({"type": "string", "enum": ["a", "b"], "pattern": "a"}, "a", "b"),
    ],
)  # fmt: skip
def test_values_of_every_type_are_compared_with_every_condition(declared: dict[str, Any], good: Any, bad: Any) -> None:
    model = {"value": Property.model_validate(declared)}

    assert measured([{"value": good}, {"value": bad}, {"value": None}], model)["validity"] == (1, 2)


ARRAYS = {
    "tags": Property.model_validate({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}),
    "lines": Property.model_validate(
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"price": {"type": "number", "minimum": 0, "required": True}, "note": {"type": "string"}},
            },
        }
    ),
}


def test_items_of_arrays_are_counted() -> None:
    rows = [
        {"tags": ["a", "x", None], "lines": [{"price": 1.0}, {"price": -1.0}, {"price": None}, None]},
        {"tags": None, "lines": None},
        {"tags": [], "lines": []},
    ]
    found = measured(rows, ARRAYS)
    assert (found["completeness"], found["validity"]) == ((2, 3), (1 + 1, 2 + 2))


def test_files_are_read_in_place_with_the_zone_of_utc(tmp_path: Path) -> None:
    file = tmp_path / "part.parquet"
    pq.write_table(pa.table({"id": ["a", "a", None]}), file)
    model = {"id": Property.model_validate({"type": "string", "key": True, "required": True})}
    schema = pa.schema([("id", pa.string())])

    found = measure_rows(Rows(schema, lambda: pytest.fail("the file is read"), parquet=[file]), model)
    assert found == (
        Counted("completeness", 2, 3),
        Counted("validity", unknown="no property has an enum, a pattern or a range"),
        Counted("uniqueness", 1, 2),
    )


def test_all_counts_of_a_model_are_one_statement() -> None:
    statement = statement_of(MODEL)
    select = select_of(statement.sums, statement.groups, "sale")

    assert select.count("count(") == 1 + 7 + 5 + 3, "rows, cells that are not null, valid cells, the key"
    assert select.count("FROM sale") == 2, "the second one reads the key only"


def test_a_scan_that_does_not_end_is_stopped_at_its_limit(tmp_path: Path) -> None:
    """Each row matches a pattern against a long text: the scan takes minutes."""
    file = tmp_path / "part.parquet"
    pq.write_table(pa.table({"text": ["a" * 4_000] * 20_000}), file)
    model = {"text": Property.model_validate({"type": "string", "pattern": "(a*)*(a*)*(a*)*[bc](a*)*$"})}
    rows = Rows(pa.schema([("text", pa.string())]), lambda: [], parquet=[file])

    with pytest.raises(TooSlow, match=r"the scan did not end within 0\.2 s"):
        measure_rows(rows, model, seconds=0.2)
