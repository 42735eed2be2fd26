"""The type matrix: each type of a column, with its values as JSON, CSV, Arrow and GraphQL show them."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from alchemesh_platform.systems.local.data_api.http.kinds import kind_of
from alchemesh_platform.systems.local.data_api.http.rows.arrow import arrow_type

UTC = zoneinfo.ZoneInfo("UTC")


@dataclass(frozen=True)
class Case:
    """A column, with its values in the rows 1 and 3. Row 2 is null in all columns.

    Args:
        column: Name of the column.
        json: Values as JSON texts, digit by digit.
        csv: Values in CSV.
        arrow: Values in Arrow and Parquet.
        graphql: Values in GraphQL as JSON texts; None: as in JSON.
        as_text: Values as JSON texts with ``decimals=text``; None: as in JSON.
        null: The value of row 2 as JSON text.
    """

    column: str
    json: tuple[str, str]
    csv: tuple[str, str]
    arrow: tuple[Any, Any]
    graphql: tuple[str, str] | None = None
    as_text: tuple[str, str] | None = None
    null: str = "null"


TEXT = 'naïve ☃ 😀 "q" \\ ,;\n'
NOT_SHOWN = ("id", "text", "year", "shipped")  # a text of many lines, and types that are shown already
LARGE = "1234567890123456789012345678.0123456789"
CASES = (
    Case("id", ("1", "3"), ("1", "3"), (1, 3), null="2"),
    Case("text", ('"naïve ☃ 😀 \\"q\\" \\\\ ,;\\n"', '""'), (TEXT, ""), (TEXT, "")),
    Case(
        "integer",
        ("9007199254740993", "9223372036854775807"),
        ("9007199254740993", "9223372036854775807"),
        (9007199254740993, 9223372036854775807),
    ),
    Case("small", ("7", "-2147483648"), ("7", "-2147483648"), (7, -2147483648)),
    Case("number", ("0.1", "1e+300"), ("0.1", "1e+300"), (0.1, 1e300)),
    Case(
        "amount",
        (LARGE, "-0.0000000001"),
        (LARGE, "-0.0000000001"),
        (Decimal(LARGE), Decimal("-0.0000000001")),
        (f'"{LARGE}"', '"-0.0000000001"'),
        (f'"{LARGE}"', '"-0.0000000001"'),
    ),
    Case(
        "price",
        ("19.90", "-0.01"),
        ("19.90", "-0.01"),
        (Decimal("19.90"), Decimal("-0.01")),
        ('"19.90"', '"-0.01"'),
        ('"19.90"', '"-0.01"'),
    ),
    Case("flag", ("true", "false"), ("true", "false"), (True, False)),
    Case(
        "day",
        ('"2024-03-31"', '"0001-01-01"'),
        ("2024-03-31", "0001-01-01"),
        (date(2024, 3, 31), date(1, 1, 1)),
    ),
    Case(
        "clock",
        ('"13:45:00.5"', '"00:00:00"'),
        ("13:45:00.5", "00:00:00"),
        (time(13, 45, 0, 500000), time(0)),
    ),
    Case(
        "moment",
        ('"2024-03-31T02:30:00.25Z"', '"0001-01-01T00:00:00Z"'),
        ("2024-03-31T02:30:00.25Z", "0001-01-01T00:00:00Z"),
        (datetime(2024, 3, 31, 2, 30, 0, 250000, UTC), datetime(1, 1, 1, tzinfo=UTC)),
    ),
    Case(
        "local",
        ('"2024-03-31T02:30:00"', '"9999-12-31T23:59:59.999999"'),
        ("2024-03-31T02:30:00", "9999-12-31T23:59:59.999999"),
        (datetime(2024, 3, 31, 2, 30), datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ),
    Case("bytes", ('"AP8Q"', '""'), ("AP8Q", ""), (b"\x00\xff\x10", b"")),
    Case(
        "object",
        ('{"a": "x", "b": {"c": 1.10, "d": null}}', "{}"),
        ('{"a": "x", "b": {"c": 1.10, "d": null}}', "{}"),
        ('{"a": "x", "b": {"c": 1.10, "d": null}}', "{}"),
    ),
    Case("words", ('["a",null,"c,d"]', "[]"), ('["a",null,"c,d"]', "[]"), (["a", None, "c,d"], [])),
    Case(
        "numbers",
        ("[9007199254740993,null]", "[]"),
        ("[9007199254740993,null]", "[]"),
        ([9007199254740993, None], []),
    ),
    Case(
        "moments",
        ('["2024-03-31T02:30:00Z",null]', "[]"),
        ('["2024-03-31T02:30:00Z",null]', "[]"),
        ([datetime(2024, 3, 31, 2, 30, tzinfo=UTC), None], []),
    ),
    Case("parts", ('[{"a": 1}, null]', "[]"), ('[{"a": 1}, null]', "[]"), ('[{"a": 1}, null]', "[]")),
    Case("region", ('"north"', '"it\'s"'), ("north", "it's"), ("north", "it's")),
    Case("year", ("2024", "-1"), ("2024", "-1"), (2024, -1)),
    Case(
        "shipped",
        ('"2024-01-01"', '"9999-12-31"'),
        ("2024-01-01", "9999-12-31"),
        (date(2024, 1, 1), date(9999, 12, 31)),
    ),
)


def as_page(types: Mapping[str, str], cloud_types: Mapping[str, str], cloud: Mapping[str, Case]) -> str:
    """The matrix as the table of docs/query-a-port.md.

    Args:
        types: Type of each column in PostgreSQL.
        cloud_types: Type of each column in BigQuery.
        cloud: Values of each column on Google Cloud.
    """
    lines = [
        "| Type | JSON | CSV | Arrow, Parquet | GraphQL | BigQuery | JSON on Google Cloud |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        if case.column not in NOT_SHOWN:
            type_ = types[case.column]
            shown = (case.json[0], case.csv[0], str(arrow_type(kind_of(type_))), (case.graphql or case.json)[0])
            cells = (type_, *shown, cloud_types[case.column], cloud[case.column].json[0])
            lines.append("| " + " | ".join(f"`{cell}`" for cell in cells) + " |")
    return "\n".join(lines) + "\n"
