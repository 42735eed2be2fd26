"""The statements that move rows from a staging table into a table. Each mode is one statement, so it is atomic.

Sources:
    https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement
    https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#string_and_bytes_literals
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from alchemesh_platform.data.conditions import Condition
from alchemesh_platform.manifest.models import LogicalType, Property

DUPLICATE = "alchemesh: a row of the table has this key"


def name_of(name: str) -> str:
    """A name in SQL."""
    return f"`{name}`"


def literal(value: Any, declared: Property | None = None) -> str:
    """A value in SQL.

    Args:
        value: The value.
        declared: The property that it is compared with: a time is written as text in Python.

    Raises:
        TypeError: when no column can have it.
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"CAST('{value}' AS FLOAT64)"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"BIGNUMERIC '{value:f}'"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"{value!r} has no time zone")
        return f"TIMESTAMP '{value.astimezone(UTC).isoformat(' ', 'microseconds')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)  # the escapes of JSON are a part of those of GoogleSQL
        return f"TIME {text}" if declared is not None and declared.type is LogicalType.TIME else text
    raise TypeError(f"{type(value).__name__} is the type of no column")


def predicate(conditions: Sequence[Condition], properties: Mapping[str, Property], prefix: str = "") -> str:
    """Conditions on a table's rows; ``TRUE`` if there are none."""
    parts = []
    for each in conditions:
        column, declared = f"{prefix}{name_of(each.column)}", properties.get(each.column)
        if each.operator == "in":
            values = ", ".join(literal(value, declared) for value in each.value)
            parts.append(f"{column} IN ({values})" if each.value else "FALSE")
        else:
            parts.append(f"{column} {each.operator} {literal(each.value, declared)}")
    return " AND ".join(parts) if parts else "TRUE"


def append(table: str, staging: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """Add rows. With a key, the statement fails if the table has a row with the key of a new one."""
    if not key:
        names = _list(columns)
        return f"INSERT INTO `{table}` ({names}) SELECT {names} FROM `{staging}`"  # noqa: S608 - checked names
    first = name_of(key[0])
    # A statement that fails changes nothing. BigQuery runs statements that can change rows one after the other.
    refusal = f"WHEN MATCHED THEN UPDATE SET {first} = IF(s.{first} IS NULL, s.{first}, ERROR('{DUPLICATE}'))"
    return f"{_merge(table, staging, _same(key))} {refusal} {_insert(columns)}"


def merge(table: str, staging: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """Replace the rows with the key of a new one, and add the others."""
    others = [name for name in columns if name not in key]
    update = ", ".join(f"{name_of(name)} = s.{name_of(name)}" for name in others)
    matched = f"WHEN MATCHED THEN UPDATE SET {update} " if others else ""
    return f"{_merge(table, staging, _same(key))} {matched}{_insert(columns)}"


def replace(table: str, staging: str, columns: Sequence[str], region: str = "TRUE") -> str:
    """Replace all rows of a region with the new ones: the constant condition of ON is Google's form of it."""
    gone = "WHEN NOT MATCHED BY SOURCE" + ("" if region == "TRUE" else f" AND {region}")
    return f"{_merge(table, staging, 'FALSE')} {gone} THEN DELETE {_insert(columns)}"


def duplicates(table: str, staging: str, unique: Sequence[str], surviving: str, most: int) -> str:
    """The values of unique columns that new rows and surviving rows of the table share.

    Args:
        unique: The columns that are unique together.
        surviving: Condition of the rows ``t`` that stay as they are.
        most: The number of rows to return.
    """
    names = ", ".join(f"t.{name_of(name)}" for name in unique)
    shared = f"EXISTS (SELECT 1 FROM `{staging}` AS s WHERE {_same(unique)})"  # noqa: S608 - checked names
    return f"SELECT {names} FROM `{table}` AS t WHERE {surviving} AND {shared} LIMIT {most}"  # noqa: S608 - checked names


def not_merged(staging: str, key: Sequence[str]) -> str:
    """The condition of the rows ``t`` that a merge leaves as they are."""
    return f"NOT EXISTS (SELECT 1 FROM `{staging}` AS m WHERE {_same(key, 'm')})"  # noqa: S608 - checked names


def outside(region: str) -> str:
    """The condition of the rows outside of a region; a comparison with null is no match."""
    return f"NOT IFNULL({region}, FALSE)"


def _merge(table: str, staging: str, on: str) -> str:
    return f"MERGE `{table}` AS t USING `{staging}` AS s ON {on}"


def _same(columns: Sequence[str], source: str = "s") -> str:
    return " AND ".join(f"t.{name_of(name)} = {source}.{name_of(name)}" for name in columns)


def _insert(columns: Sequence[str]) -> str:
    values = ", ".join(f"s.{name_of(name)}" for name in columns)
    return f"WHEN NOT MATCHED BY TARGET THEN INSERT ({_list(columns)}) VALUES ({values})"  # noqa: S608 - checked names


def _list(columns: Sequence[str]) -> str:
    return ", ".join(map(name_of, columns))
