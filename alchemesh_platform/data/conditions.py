"""Conditions on columns, which every technology reads alike: ``[("sold_on", ">=", day)]``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.data.errors import DataError

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in")
Where = Mapping[str, Any] | Iterable[tuple[str, str, Any]] | None

_COMPUTE: dict[str, Callable[[Any, Any], Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; the value of ``in`` is a tuple."""

    column: str
    operator: str
    value: Any

    def __str__(self) -> str:
        return f"{self.column} {self.operator} {self.value!r}"


def conditions_of(where: Where, names: Iterable[str], doing: str, error: type[DataError]) -> tuple[Condition, ...]:
    """The conditions of an argument ``where``. All of them must hold.

    Args:
        where: Value or values by column, or tuples of column, operator and value.
        names: The columns.
        doing: The place of the argument, for messages: ``output port 'sales'``.
        error: The error to raise.
    """
    if where is None:
        return ()
    known = tuple(names)
    triples = (
        [(name, "in" if _is_several(value) else "=", value) for name, value in where.items()]
        if isinstance(where, Mapping)
        else list(where)
    )
    found = []
    for triple in triples:
        if isinstance(triple, str) or len(triple) != 3:  # noqa: PLR2004 - column, operator, value
            raise error(
                f"{doing}: found the condition {triple!r} in `where`",
                hint='write conditions as values: where={"day": day}, or where=[("day", ">=", day)]',
            )
        column, operator, value = triple
        operator = "=" if operator == "==" else operator
        if known and column not in known:
            raise error(f"{doing}: there is no column {column!r}; there are {', '.join(known)}")
        if operator not in OPERATORS:
            raise error(f"{doing}: found the operator {operator!r}, expected one of {' '.join(OPERATORS)}")
        several = tuple(value) if operator == "in" else value
        if several is None or (operator == "in" and None in several):
            raise error(f"{doing}: a condition on {column} compares with null, which is true for no row")
        found.append(Condition(column, operator, several))
    return tuple(found)


def mask(batch: pa.RecordBatch, conditions: Sequence[Condition]) -> Any:
    """For each row, whether all conditions hold. A condition on a null value does not hold."""
    met = pa.array([True] * batch.num_rows) if not conditions else None
    for each in conditions:
        column = batch.column(each.column)
        if each.operator == "in":
            found = pc.is_in(column, value_set=pa.array(list(each.value), column.type))
        else:
            found = pc.fill_null(_COMPUTE[each.operator](column, pa.scalar(each.value, column.type)), False)
        met = found if met is None else pc.and_(met, found)
    return met


def expression(conditions: Sequence[Condition], schema: pa.Schema) -> Any:
    """The conditions as a filter of a dataset, which is false for a null value."""
    met = pc.scalar(True)
    for each in conditions:
        column, kind = pc.field(each.column), schema.field(each.column).type
        if each.operator == "in":
            found = column.isin(pa.array(list(each.value), kind))
        else:
            found = _COMPUTE[each.operator](column, pa.scalar(each.value, kind))
        met = met & found
    return pc.coalesce(met, pc.scalar(False))


def sql(
    conditions: Sequence[Condition],
    *,
    name: Callable[[str], str] = identifier,
    literal: Callable[[Any], str] | None = None,
) -> str:
    """The conditions as an SQL expression; ``TRUE`` if there are none.

    Args:
        conditions: The conditions.
        name: Function that quotes the name of a column.
        literal: Function that writes a value; by default as DuckDB and DataFusion read it.
    """
    write = literal or sql_literal
    parts = []
    for each in conditions:
        if each.operator == "in":
            values = ", ".join(write(value) for value in each.value)
            parts.append(f"{name(each.column)} IN ({values})" if each.value else "FALSE")
        else:
            parts.append(f"{name(each.column)} {each.operator} {write(each.value)}")
    return " AND ".join(parts) if parts else "TRUE"


def sql_literal(value: Any) -> str:
    """A value in SQL.

    Raises:
        TypeError: when no column can have it.
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float | Decimal):
        return repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"{value!r} has no time zone")
        return f"TIMESTAMP {quoted(value.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f'))}"
    if isinstance(value, date):
        return f"DATE {quoted(value.isoformat())}"
    if isinstance(value, str):
        return quoted(value)
    raise TypeError(f"{type(value).__name__} is the type of no column")


def _is_several(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset)
