"""Values are never changed on the way through a port: what is written is what is read."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alchemesh_platform.connections import DataError
from alchemesh_platform.data.backend import Target
from alchemesh_platform.data.types import arrow_schema
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.manifest.models import Property
from tests.data.products import Properties, shop
from tests.data.test_folders import files_port
from tests.lanes import examples

ROW: Properties = {
    "text": {"type": "string"},
    "whole": {"type": "integer"},
    "long": {"type": "number", "precision": 38},
    "money": {"type": "number", "precision": 20, "scale": 4},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "day": {"type": "date"},
    "clock": {"type": "time"},
    "moment": {"type": "timestamp"},
    "place": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "at": {"type": "timestamp"},
            "inner": {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}},
        },
    },
    "sizes": {"type": "array", "items": {"type": "number", "precision": 20, "scale": 4}},
    "grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    "parts": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}
PROPERTIES = {name: Property.model_validate(each) for name, each in ROW.items()}

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
whole = st.integers(-(2**63), 2**63 - 1)
money = st.decimals(-(10**15), 10**15, places=4)
moment = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.sampled_from([UTC]))
clock = st.times().map(lambda time: time.isoformat().rstrip("0").rstrip(".") if time.microsecond else time.isoformat())


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


rows = st.lists(
    st.fixed_dictionaries(
        {
            "text": optional(text),
            "whole": optional(whole),
            "long": optional(st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal)),
            "money": optional(money),
            "number": optional(st.floats(allow_nan=False)),
            "flag": optional(st.booleans()),
            "day": optional(st.dates()),
            "clock": optional(clock),
            "moment": optional(moment),
            "place": optional(
                st.fixed_dictionaries(
                    {
                        "name": optional(text),
                        "at": optional(moment),
                        "inner": optional(
                            st.fixed_dictionaries({"tags": optional(st.lists(optional(text), max_size=2))})
                        ),
                    }
                )
            ),
            "sizes": optional(st.lists(optional(money), max_size=2)),
            "grid": optional(st.lists(optional(st.lists(optional(whole), max_size=2)), max_size=2)),
            "parts": optional(st.lists(optional(st.fixed_dictionaries({"n": optional(whole)})), max_size=2)),
        }
    ),
    min_size=1,
    max_size=4,
)


def target(**properties: dict[str, Any]) -> Target:
    known = {name: Property.model_validate(each) for name, each in properties.items()}
    return Target(product="a/b", port="shop", connection=None, model="sale", properties=known)


def through(data: Any, properties: dict[str, Property]) -> pa.Table:
    whole_target = Target(product="a/b", port="shop", connection=None, model="sale", properties=properties)
    return CheckedRows(whole_target, data).reader().read_all()


@given(rows)
def test_dictionaries_and_arrow_data_are_checked_without_a_change(values: list[dict[str, Any]]) -> None:
    table = through(values, PROPERTIES)
    assert table.schema.equals(arrow_schema(PROPERTIES))
    assert table.to_pylist() == values
    assert through(table, PROPERTIES).equals(table)
    large = {pa.string(): pa.large_string(), pa.timestamp("us", "UTC"): pa.timestamp("us", "Europe/Berlin")}
    other = table.cast(pa.schema([pa.field(each.name, large.get(each.type, each.type)) for each in table.schema]))
    assert through(other, PROPERTIES).to_pylist() == values
    sliced = pa.concat_tables([table, table]).slice(len(values))
    assert through(sliced, PROPERTIES).to_pylist() == values


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows)
def test_a_folder_of_files_gives_the_same_values(tmp_path: Path, values: list[dict[str, Any]]) -> None:
    port = files_port(tmp_path, dict(ROW))
    port.write("sale", values, "overwrite")
    assert port.read("sale").pylist() == values


@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows)
def test_a_delta_table_gives_the_same_values(tmp_path: Path, values: list[dict[str, Any]]) -> None:
    port = shop(tmp_path, ROW)
    port.write("sale", [{**row, "text": str(at)} for at, row in enumerate(values)], "overwrite")
    found = sorted(port.read("sale").pylist(), key=lambda row: int(row["text"]))
    assert found == [{**row, "text": str(at)} for at, row in enumerate(values)]


numbers = st.floats(allow_nan=False) | st.integers(-(2**70), 2**70) | st.decimals(allow_nan=False, allow_infinity=False)


@settings(max_examples=examples(300))
@given(
    numbers, st.sampled_from([{"type": "number"}, {"type": "integer"}, {"type": "number", "precision": 12, "scale": 3}])
)
def test_a_number_is_taken_as_it_is_or_refused(value: Any, kind: dict[str, Any]) -> None:
    try:
        (row,) = through([{"x": value}], {"x": Property.model_validate(kind)}).to_pylist()
    except DataError:
        return
    found = row["x"]
    same = (
        found == value
        if isinstance(value, int | Decimal) and not isinstance(found, float)
        else math.isclose(found, value, rel_tol=0)
        or Decimal(repr(float(found))) == (Decimal(repr(value)) if isinstance(value, float) else value)
    )
    assert same, (value, found)


arrays = st.sampled_from([pa.float64(), pa.int64(), pa.decimal128(20, 6), pa.uint64(), pa.float32()])


@settings(max_examples=examples(300))
@given(st.lists(st.none() | st.integers(-(2**64), 2**64) | st.floats(width=32), max_size=4), arrays, st.data())
def test_an_arrow_number_comes_back_as_it_was_or_is_refused(values: list[Any], kind: pa.DataType, data: Any) -> None:
    try:
        given_array = pa.array([None if value is None else value for value in values]).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return
    wanted = data.draw(
        st.sampled_from([{"type": "number"}, {"type": "integer"}, {"type": "number", "precision": 30, "scale": 8}])
    )
    try:
        found = through(pa.table({"x": given_array}), {"x": Property.model_validate(wanted)})["x"]
    except DataError:
        return
    if pa.types.is_decimal(kind) and pa.types.is_integer(found.type):
        found = found.cast(pa.decimal128(38, 0))  # Arrow converts integers to decimals that hold every integer only
    back = found.cast(kind, safe=False).combine_chunks()
    assert [_plain(value) for value in back.to_pylist()] == [_plain(value) for value in given_array.to_pylist()]


def _plain(value: Any) -> Any:
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        (pa.timestamp("ns", "UTC"), 1_500_000_001_000, True),
        (pa.timestamp("ns", "UTC"), 1_500_000_000_001, False),
        (pa.timestamp("s", "Asia/Tokyo"), 1_700_000_000, True),
    ],
)
def test_a_moment_keeps_its_precision_or_is_refused(kind: pa.DataType, value: int, fits: bool) -> None:
    moments = pa.table({"moment": pa.array([value], pa.int64()).cast(kind)})
    if not fits:
        with pytest.raises(DataError, match="found 1500000000001 ns, which timestamp cannot hold exactly"):
            through(moments, {"moment": PROPERTIES["moment"]})
        return
    found = through(moments, {"moment": PROPERTIES["moment"]})["moment"]
    assert found.cast(kind).to_pylist() == moments["moment"].to_pylist()


def test_moments_of_other_zones_are_the_same_instants() -> None:
    local = datetime(2024, 3, 31, 2, 30, tzinfo=timezone(timedelta(hours=-5)))
    (row,) = through([{"moment": local}], {"moment": PROPERTIES["moment"]}).to_pylist()
    assert row["moment"] == local
    days = through(
        pa.table({"day": pa.array([date(1, 1, 1)], pa.date32()).cast(pa.date64())}), {"day": PROPERTIES["day"]}
    )
    assert days.to_pylist() == [{"day": date(1, 1, 1)}]
