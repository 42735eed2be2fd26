"""Conditions compare values of the type of their column, in a read and in a write alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alchemesh_platform.connections import DataError, NotReadable, NotWritable, OutputPort, RowsRefused
from tests.data.products import Properties, read, shop

SALE: Properties = {
    "sale_id": {"type": "integer", "key": True},
    "shop": {"type": "string"},
    "amount": {"type": "number", "precision": 20, "scale": 2},
    "weight": {"type": "number"},
    "day": {"type": "date"},
    "clock": {"type": "time"},
    "sold_at": {"type": "timestamp"},
    "tags": {"type": "array", "items": {"type": "string"}},
}
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
FIRST: dict[str, Any] = {
    "sale_id": 1,
    "shop": 'it\'s "the" \\ ü\n; --',
    "amount": Decimal("123456789012345678.01"),
    "weight": float("inf"),
    "day": date(2024, 5, 1),
    "clock": "13:45:00",
    "sold_at": NOON,
    "tags": [],
}
SECOND = FIRST | {
    "sale_id": 2,
    "shop": "",
    "amount": Decimal("123456789012345678.02"),
    "weight": 0.1,
    "day": date(2024, 5, 2),
    "clock": "13:45:01",
    "sold_at": NOON + timedelta(microseconds=1),
}


@pytest.fixture
def port(tmp_path: Path) -> OutputPort:
    found = shop(tmp_path, SALE)
    found.write("sale", [FIRST, SECOND])
    return found


@pytest.mark.parametrize(
    "where",
    [
        pytest.param({"shop": FIRST["shop"]}, id="text with quotes"),
        pytest.param({"amount": FIRST["amount"]}, id="a decimal that no binary number holds"),
        pytest.param({"amount": [FIRST["amount"]]}, id="decimals"),
        pytest.param([("weight", ">", 1)], id="infinity"),
        pytest.param({"weight": float("inf")}, id="compared with infinity"),
        pytest.param({"sold_at": NOON.astimezone(timezone(timedelta(hours=2)))}, id="an instant"),
        pytest.param({"sold_at": [NOON]}, id="instants"),
        pytest.param([("sold_at", ">", datetime(1, 1, 1, tzinfo=UTC)), ("sold_at", "<=", NOON)], id="a first year"),
        pytest.param({"clock": "13:45"}, id="a time without seconds"),
        pytest.param({"clock": time(13, 45)}, id="a time"),
        pytest.param({"sale_id": [1, *range(10, 10_000)]}, id="many values"),
        pytest.param({"sale_id": 1.0}, id="an equal number"),
    ],
)
def test_a_read_and_a_replacement_meet_the_same_rows(port: OutputPort, where: Any) -> None:
    """`replace_where` failed for each instant, and it kept rows whose decimal has more than 15 digits."""
    assert [row["sale_id"] for row in port.read("sale", columns=["sale_id"], where=where).pylist()] == [1]
    port.write("sale", [], mode="replace_where", where=where)
    assert [row["sale_id"] for row in port.read("sale").pylist()] == [2]


def test_a_long_decimal_is_found_in_the_table(tmp_path: Path) -> None:
    """The log of a table has decimals as binary numbers, and files whose rows have the key were skipped."""
    port = shop(tmp_path, {"sale_id": {"type": "number", "precision": 20, "scale": 2, "key": True}})
    port.write("sale", [{"sale_id": FIRST["amount"]}])
    with pytest.raises(RowsRefused, match="another row in the table has the same sale_id"):
        port.write("sale", [{"sale_id": FIRST["amount"]}])
    port.write("sale", [{"sale_id": FIRST["amount"]}], mode="replace_where", where={"sale_id": FIRST["amount"]})
    port.write("sale", [{"sale_id": FIRST["amount"]}], mode="merge")
    assert port.read("sale").pylist() == [{"sale_id": FIRST["amount"]}]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"day": "2024-05-01"}, "a condition on day: found '2024-05-01' (str), expected date"),
        ({"day": NOON}, "a condition on day: found 2024-05-01 12:00:00+00:00 (datetime), expected date"),
        ({"sold_at": NOON.replace(tzinfo=None)}, "a condition on sold_at: found 2024-05-01T12:00:00 without a time"),
        ({"sold_at": date(2024, 5, 1)}, "a condition on sold_at: found 2024-05-01 (date), expected timestamp"),
        ({"amount": Decimal("1.105")}, "a condition on amount: found 1.105, which decimal(20,2) cannot hold exactly"),
        ([("sale_id", "<", 1.5)], "a condition on sale_id: found 1.5, which integer cannot hold exactly"),
        ({"sale_id": 2**70}, "a condition on sale_id: found 1180591620717411303424, which integer cannot hold exactly"),
        ({"sale_id": True}, "a condition on sale_id: found True (bool), expected integer"),
        ({"weight": float("nan")}, "a condition on weight compares with NaN, which is true for no row"),
        ({"tags": ["a"]}, "column tags has the type array, which conditions cannot compare"),
        ([("shop", "in", "north")], "a condition on shop: found 'north' after `in`, expected a list of values"),
        ([("sale_id", "in", 1)], "a condition on sale_id: found 1 after `in`, expected a list of values"),
        ([1], "found the condition 1 in `where`"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_alike(port: OutputPort, where: Any, message: str) -> None:
    """Some were rounded or got a time zone in silence, some met no row, and some ended with a traceback of Arrow."""
    with pytest.raises(NotReadable) as reading:
        port.read("sale", where=where)
    with pytest.raises(NotWritable) as writing:
        port.write("sale", [], mode="replace_where", where=where)
    assert message in str(reading.value)
    assert message in str(writing.value)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"day": "2024-05-01"}, "a condition on day: found '2024-05-01' (str), expected date"),
        ({"seen": NOON}, "a condition on seen: found 2024-05-01 12:00:00+00:00 (datetime), expected timestamp without"),
        ({"number": 1.5}, "a condition on number: found 1.5 (float), expected integer"),
    ],
)  # fmt: skip
def test_conditions_on_rows_without_a_schema_have_the_types_that_landed(
    tmp_path: Path, where: Any, message: str
) -> None:
    row = {"day": date(2024, 5, 1), "seen": NOON.replace(tzinfo=None), "number": 1}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    known = {
        "product": "retail/orders",
        "environment": "local",
        "inputs": {"sales": {"storage": {"kind": "files", "url": tmp_path.as_uri()}}},
    }
    landed = read(known).input("sales")
    assert landed.read(where={"day": date(2024, 5, 1), "number": 1}).arrow().num_rows == 1
    with pytest.raises(DataError) as refused:
        landed.read(where=where).arrow()
    assert message in str(refused.value)
