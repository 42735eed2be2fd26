"""Conditions on columns, which every technology reads alike: ``[("sold_on", ">=", day)]``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.data.errors import DataError, NotReadable, shown
from alchemesh_platform.data.types import type_in_words
from alchemesh_platform.data.values.python_values import ValueUnfit, value_of
from alchemesh_platform.manifest.models import LogicalType, Property

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


def conditions_of(
    where: Where,
    properties: Mapping[str, Property] | None,
    doing: str,
    error: type[DataError],
    *,
    declared: Mapping[str, Property] | None = None,
) -> tuple[Condition, ...]:
    """The conditions of an argument ``where``. All of them must hold.

    Args:
        where: Value or values by column, or tuples of column, operator and value.
        properties: The columns; None if they are not known here. A value then has the type of its column.
        doing: The place of the argument, for messages: ``output port 'sales'``.
        error: The error to raise.
        declared: Columns that are known if ``properties`` is None. There may be others.
    """
    typed = properties if properties is not None else declared or {}
    if where is None:
        return ()
    triples = (
        [(name, "in" if _is_several(value) else "=", value) for name, value in where.items()]
        if isinstance(where, Mapping)
        else list(where)
    )
    found = []
    for triple in triples:
        if not isinstance(triple, list | tuple) or len(triple) != 3:  # noqa: PLR2004 - column, operator, value
            raise error(
                f"{doing}: found the condition {triple!r} in `where`",
                hint='write conditions as values: where={"day": day}, or where=[("day", ">=", day)]',
            )
        column, operator, value = triple
        operator = "=" if operator == "==" else operator
        if properties is not None and column not in properties:
            raise error(f"{doing}: there is no column {column!r}; there are {', '.join(properties)}")
        if operator not in OPERATORS:
            raise error(f"{doing}: found the operator {operator!r}, expected one of {' '.join(OPERATORS)}")
        if operator == "in" and (isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable)):
            raise error(f"{doing}: a condition on {column}: found {shown(value)} after `in`, expected a list of values")
        values = tuple(value) if operator == "in" else (value,)
        if any(each is None for each in values):
            raise error(f"{doing}: a condition on {column} compares with null, which is true for no row")
        if column in typed:
            values = tuple(_of_column(each, typed[column], column, doing, error) for each in values)
        if any(isinstance(each, float) and math.isnan(each) for each in values):
            raise error(f"{doing}: a condition on {column} compares with NaN, which is true for no row")
        found.append(Condition(column, operator, values if operator == "in" else values[0]))
    return tuple(found)


def _of_column(value: Any, declared: Property, column: str, doing: str, error: type[DataError]) -> Any:
    """The value as rows of the column have it, so that every technology compares the same."""
    if declared.type in (LogicalType.OBJECT, LogicalType.ARRAY):
        raise error(f"{doing}: column {column} has the type {declared.type.value}, which conditions cannot compare")
    try:
        return value_of(value, declared, column)
    except ValueUnfit as unfit:
        raise error(f"{doing}: a condition on {unfit}") from unfit


def _scalar(value: Any, column: str, kind: pa.DataType) -> Any:
    """A value with the type of a column.

    Raises:
        NotReadable: when no row of the column can have it.
    """
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    try:
        if isinstance(value, datetime) and (not pa.types.is_timestamp(kind) or (value.tzinfo is not None) != zoned):
            raise TypeError
        if isinstance(value, float) and pa.types.is_integer(kind) and not value.is_integer():
            raise TypeError
        return pa.scalar(value, kind)
    except (TypeError, ValueError, OverflowError) as error:  # errors of Arrow are a TypeError or ValueError
        raise NotReadable(
            f"a condition on {column}: found {shown(value)} ({type(value).__name__}), expected {type_in_words(kind)}"
        ) from error


def _scalars(condition: Condition, kind: pa.DataType) -> Any:
    return pa.array([_scalar(value, condition.column, kind) for value in condition.value], kind)


def mask(batch: pa.RecordBatch, conditions: Sequence[Condition]) -> Any:
    """For each row, whether all conditions hold. A condition on a null value does not hold."""
    met = pa.array([True] * batch.num_rows) if not conditions else None
    for each in conditions:
        column = batch.column(each.column)
        if each.operator == "in":
            found = pc.is_in(column, value_set=_scalars(each, column.type))
        else:
            found = pc.fill_null(_COMPUTE[each.operator](column, _scalar(each.value, each.column, column.type)), False)
        met = found if met is None else pc.and_(met, found)
    return met


def expression(conditions: Sequence[Condition], schema: pa.Schema) -> Any:
    """The conditions as a filter of a dataset, which is false for a null value."""
    met = pc.scalar(True)
    for each in conditions:
        column, kind = pc.field(each.column), schema.field(each.column).type
        if each.operator == "in":
            found = column.isin(_scalars(each, kind))
        else:
            found = _COMPUTE[each.operator](column, _scalar(each.value, each.column, kind))
        met = met & found
    return pc.coalesce(met, pc.scalar(False))


def sql(conditions: Sequence[Condition], schema: pa.Schema) -> str:
    """The conditions as an SQL expression of DataFusion; ``TRUE`` if there are none.

    Args:
        conditions: The conditions.
        schema: The schema of the table. Literals have the types of its columns: DataFusion compares a decimal with
            ``1.10`` as binary numbers, and delta-rs compares no moment with a time zone with one without.
    """
    parts = []
    for each in conditions:
        name, kind = identifier(each.column), schema.field(each.column).type
        if each.operator == "in":
            values = ", ".join(_literal(value, each.column, kind) for value in each.value)
            parts.append(f"{name} IN ({values})" if each.value else "FALSE")
        else:
            parts.append(f"{name} {each.operator} {_literal(each.value, each.column, kind)}")
    return " AND ".join(parts) if parts else "TRUE"


def _literal(value: Any, column: str, kind: pa.DataType) -> str:
    typed = _scalar(value, column, kind).as_py()
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        text = typed.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        return f"arrow_cast({quoted(f'{text}Z')}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    if pa.types.is_decimal(kind):
        return f"arrow_cast({quoted(f'{typed:f}')}, 'Decimal128({kind.precision}, {kind.scale})')"
    if isinstance(typed, bool):
        return "TRUE" if typed else "FALSE"
    if isinstance(typed, float):
        return repr(typed) if math.isfinite(typed) else f"arrow_cast({quoted(str(typed))}, 'Float64')"
    if isinstance(typed, int):
        return str(typed)
    if isinstance(typed, date) and not isinstance(typed, datetime):
        return f"DATE {quoted(typed.isoformat())}"
    if isinstance(typed, str):
        return quoted(typed)
    raise NotReadable(f"a condition on {column}: {type_in_words(kind)} is a type that conditions cannot compare")


def _is_several(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset)
