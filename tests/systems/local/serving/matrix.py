"""The type matrix: a table with every type, and what a client of PostgreSQL reads for each.

The pages of the docs take their table from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

AT = datetime(2024, 3, 31, 2, 30, 0, 123456, tzinfo=UTC)
LOCAL = AT.replace(tzinfo=None)
ITEM = pa.struct([("name", pa.string()), ("price", pa.decimal128(12, 4)), ("mark", pa.binary())])


@dataclass(frozen=True)
class Kind:
    """One column: its type in Arrow and PostgreSQL, its values, and what `psql` shows for them.

    Args:
        name: Name of the column.
        model: The type of a model that is stored so; empty for types that code may write.
        arrow: Its type in Arrow.
        sql: Its type in PostgreSQL.
        values: Values to write.
        shown: The text that PostgreSQL shows for each.
        read: What psycopg reads, if that is another value.
        null: What a client reads for null.
    """

    name: str
    model: str
    arrow: pa.DataType
    sql: str
    values: Sequence[Any]
    shown: Sequence[str]
    read: Sequence[Any] | None = None
    null: Any = None

    @property
    def expected(self) -> list[Any]:
        """What a client reads, with the null of the last row."""
        return [*(self.read or self.values), self.null]


KINDS = (
    Kind("text", "string", pa.string(), "text", ["Zoë 東京 🚀", ""], ["Zoë 東京 🚀", ""]),
    Kind("whole", "integer", pa.int64(), "bigint", [2**53 + 1, -(2**63)], ["9007199254740993", "-9223372036854775808"]),
    Kind("number", "number", pa.float64(), "double precision", [19.99, -0.1], ["19.99", "-0.1"]),
    Kind("truth", "boolean", pa.bool_(), "boolean", [True, False], ["t", "f"]),
    Kind("day", "date", pa.date32(), "date", [AT.date(), date(1, 1, 1)], ["2024-03-31", "0001-01-01"]),
    Kind("clock", "time", pa.string(), "text", ["13:45:00", "00:00:00.5"], ["13:45:00", "00:00:00.5"]),
    Kind(
        "moment",
        "timestamp",
        pa.timestamp("us", "UTC"),
        "timestamp with time zone",
        [AT, datetime(1, 1, 1, tzinfo=UTC)],
        ["2024-03-31 02:30:00.123456+00", "0001-01-01 00:00:00+00"],
    ),
    Kind(
        "tags",
        "array of string",
        pa.list_(pa.string()),
        "text[]",
        [["a", "b, {c}", None], []],
        ['{a,"b, {c}",NULL}', "{}"],
    ),
    Kind(
        "place",
        "object",
        pa.struct([("city", pa.string()), ("since", pa.date32()), ("price", pa.decimal128(12, 4))]),
        "jsonb",
        [{"city": 'Köln "am" Rhein', "since": AT.date(), "price": Decimal("19.9900")}, {"city": None}],
        [
            '{"city": "Köln \\"am\\" Rhein", "price": 19.9900, "since": "2024-03-31"}',
            '{"city": null, "price": null, "since": null}',
        ],
        [
            {"city": 'Köln "am" Rhein', "since": "2024-03-31", "price": 19.99},
            {"city": None, "since": None, "price": None},
        ],
    ),
    Kind(
        "items",
        "array of object",
        pa.list_(ITEM),
        "jsonb",
        [[{"name": "x", "price": Decimal("0.1000"), "mark": b"\x00\xff"}], []],
        ['[{"mark": "AP8=", "name": "x", "price": 0.1000}]', "[]"],
        [[{"name": "x", "price": 0.1, "mark": "AP8="}], []],
    ),
    Kind(
        "price",
        "",
        pa.decimal128(38, 18),
        "numeric(38,18)",
        [Decimal("12345678901234567890.123456789012345678"), Decimal("19.990000000000000000")],
        ["12345678901234567890.123456789012345678", "19.990000000000000000"],
    ),
    Kind(
        "local_moment",
        "",
        pa.timestamp("us"),
        "timestamp without time zone",
        [LOCAL, datetime(9999, 12, 31, 23, 59, 59, 999999)],
        ["2024-03-31 02:30:00.123456", "9999-12-31 23:59:59.999999"],
    ),
    Kind("bytes", "", pa.binary(), "bytea", [b"\x00\xffA", b""], ["\\x00ff41", "\\x"]),
    Kind("small", "", pa.int32(), "integer", [2**31 - 1, -(2**31)], ["2147483647", "-2147483648"]),
    Kind("smaller", "", pa.int16(), "smallint", [32767, -32768], ["32767", "-32768"]),
    Kind("smallest", "", pa.int8(), "smallint", [127, -128], ["127", "-128"]),
    Kind("single", "", pa.float32(), "real", [1.5, -0.25], ["1.5", "-0.25"]),
    Kind(
        "wholes",
        "array of integer",
        pa.list_(pa.int64()),
        "bigint[]",
        [[2**53 + 1, None], []],
        ["{9007199254740993,NULL}", "{}"],
    ),
    Kind("numbers", "array of number", pa.list_(pa.float64()), "double precision[]", [[19.99], []], ["{19.99}", "{}"]),
    Kind("truths", "array of boolean", pa.list_(pa.bool_()), "boolean[]", [[True, None], []], ["{t,NULL}", "{}"]),
    Kind("days", "array of date", pa.list_(pa.date32()), "date[]", [[AT.date()], []], ["{2024-03-31}", "{}"]),
    Kind(
        "moments",
        "array of timestamp",
        pa.list_(pa.timestamp("us", "UTC")),
        "timestamp with time zone[]",
        [[AT], []],
        ['{"2024-03-31 02:30:00.123456+00"}', "{}"],
    ),
    Kind("prices", "", pa.list_(pa.decimal128(10, 2)), "numeric(10,2)[]", [[Decimal("1.10")], []], ["{1.10}", "{}"]),
    Kind(
        "grid", "array of array", pa.list_(pa.list_(pa.int64())), "jsonb", [[[1], [2, 3]], []], ["[[1], [2, 3]]", "[]"]
    ),
)
# Columns that a Delta table can be partitioned by, with null among the partitions.
PARTITIONS = ("text", "whole", "number", "truth", "day", "moment", "price", "local_moment", "small")


def table(*names: str) -> pa.Table:
    """A table of the kinds: two rows with values, and one of nulls. Column ``id`` numbers them."""
    kinds = [kind for kind in KINDS if not names or kind.name in names]
    columns = {"id": pa.array([1, 2, 3], pa.int64())}
    columns |= {kind.name: pa.array([*kind.values, None], kind.arrow) for kind in kinds}
    return pa.table(columns)


def write_matrix(folder: Path, partition_by: str | None = None) -> None:
    """The matrix as a Delta table."""
    from deltalake import write_deltalake

    rows = table() if partition_by is None else table(partition_by)
    write_deltalake(folder, rows, partition_by=[partition_by] if partition_by else None)


TIME = Kind("clock_of_parquet", "", pa.time64("us"), "time without time zone", [time(13, 45)], ["13:45:00"])
