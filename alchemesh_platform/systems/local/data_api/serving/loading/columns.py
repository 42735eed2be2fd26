"""Columns of a serving copy: the type of PostgreSQL for each type of Arrow, and batches in the form that a copy loads.

Objects become ``jsonb``, with decimals as exact numbers and bytes as base64. An array of scalars becomes an array of
PostgreSQL. Other arrays become ``jsonb``, because an array of PostgreSQL is rectangular and has one type.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.base.failure import Failure

if TYPE_CHECKING:
    import pyarrow as pa

# https://www.postgresql.org/docs/current/ddl-system-columns.html
SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
NAME_BYTES_MAX = 63  # NAMEDATALEN - 1
YEAR_MAX = 9999  # of the drivers of Python and of ISO 8601
# Text of PostgreSQL holds every character of Unicode but this one: https://www.postgresql.org/docs/current/datatype-character.html
NUL, SHOWN_NUL = "\0", "\u2400"


class CopyRefused(Failure):
    """Raised when a table cannot be served as it is. The message names table, column and value."""


@dataclass(frozen=True, slots=True)
class ServedColumn:
    """A column of a serving copy.

    Args:
        name: Its name.
        type: Its type in PostgreSQL.
        nullable: Whether it may be null.
        encoded: Whether its values are loaded as JSON text.
    """

    name: str
    type: str
    nullable: bool = True
    encoded: bool = False

    @property
    def loaded_as(self) -> str:
        """The type that its values are loaded as. The binary form of ``jsonb`` is PostgreSQL's own."""
        return "json" if self.encoded else self.type


def why_not_served(name: str) -> str | None:
    """The reason why a column of this name cannot be served; None if it can."""
    if name in SYSTEM_COLUMNS:
        return f"each table of PostgreSQL has a column {name} of its own"
    if len(name.encode()) > NAME_BYTES_MAX:
        return f"a name in PostgreSQL has at most {NAME_BYTES_MAX} bytes, this one has {len(name.encode())}"
    if NUL in name:
        return "a name in PostgreSQL holds no NUL"
    return None


def served_columns(table: str, schema: pa.Schema) -> tuple[ServedColumn, ...]:
    """The columns of a table.

    Raises:
        CopyRefused: when PostgreSQL has no such name or type.
    """
    columns = []
    for field in schema:
        if (reason := why_not_served(field.name)) is not None:
            raise CopyRefused(f"table {table}: column {field.name!r} cannot be served: {reason}", hint="rename it")
        kind = postgres_type(field.type)
        if kind is None:
            raise CopyRefused(
                f"table {table}: column {field.name!r} has the type {field.type}, which PostgreSQL does not have",
                hint="store it as another type, or serve it by a storage that has a query engine of its own",
            )
        columns.append(ServedColumn(field.name, kind, field.nullable, kind == "jsonb"))
    return tuple(columns)


def postgres_type(kind: pa.DataType) -> str | None:
    """The type in PostgreSQL for a type of Arrow; None if there is none."""
    import pyarrow.types as t

    if t.is_dictionary(kind):
        return postgres_type(kind.value_type)
    if (scalar := _scalar_type(kind)) is not None:
        return scalar
    if _is_list(kind):
        item = _scalar_type(kind.value_type)
        return f"{item}[]" if item is not None else "jsonb" if _fits_json(kind.value_type) else None
    return "jsonb" if _fits_json(kind) else None


def _scalar_type(kind: pa.DataType) -> str | None:
    import pyarrow.types as t

    if t.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    if t.is_timestamp(kind):
        return "timestamp with time zone" if kind.tz else "timestamp without time zone"
    checks: tuple[tuple[Callable[[Any], bool], str], ...] = (
        (_is_text, "text"),
        (t.is_boolean, "boolean"),
        (lambda k: t.is_int8(k) or t.is_int16(k) or t.is_uint8(k), "smallint"),
        (lambda k: t.is_int32(k) or t.is_uint16(k), "integer"),
        (lambda k: t.is_int64(k) or t.is_uint32(k), "bigint"),
        (t.is_uint64, "numeric(20,0)"),
        (t.is_float32, "real"),
        (t.is_float64, "double precision"),
        (t.is_date, "date"),
        (t.is_time, "time without time zone"),
        (_is_bytes, "bytea"),
        (t.is_null, "text"),
    )
    return next((name for is_kind, name in checks if is_kind(kind)), None)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    return bool(t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    return bool(t.is_binary(kind) or t.is_large_binary(kind) or t.is_binary_view(kind) or t.is_fixed_size_binary(kind))


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    return bool(t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind))


def _fits_json(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    if t.is_struct(kind):
        return all(_fits_json(kind.field(at).type) for at in range(kind.num_fields))
    if _is_list(kind):
        return _fits_json(kind.value_type)
    if t.is_map(kind):
        return _fits_json(kind.key_type) and _fits_json(kind.item_type)
    return _scalar_type(kind) is not None


def loadable(
    table: str, columns: Sequence[ServedColumn], batches: Iterable[pa.RecordBatch], *, nul: Literal["keep", "show"]
) -> Iterator[pa.RecordBatch]:
    """Batches in the form that a copy loads.

    Args:
        table: Name of the table, for messages.
        columns: Its columns.
        batches: Batches of its rows.
        nul: Whether NUL in text stays, which PostgreSQL refuses, or becomes the sign ␀.

    Raises:
        CopyRefused: when a value does not exist in PostgreSQL or in the drivers of its clients.
    """
    import pyarrow as pa

    for batch in batches:
        arrays = [_loadable_array(table, column, batch.column(at), nul == "show") for at, column in enumerate(columns)]
        yield pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def loaded_schema(columns: Sequence[ServedColumn], schema: pa.Schema) -> pa.Schema:
    """The schema of :func:`loadable`'s batches."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(column.name, pa.string() if column.encoded else _loaded_type(field.type))
            for column, field in zip(columns, schema, strict=True)
        ]
    )


def _loaded_type(kind: pa.DataType) -> pa.DataType:
    """The types that the driver loads: it has no unsigned numbers, no dictionaries and no other units of time."""
    import pyarrow as pa
    import pyarrow.types as t

    if t.is_dictionary(kind):
        return _loaded_type(kind.value_type)
    if _is_list(kind):
        return pa.list_(_loaded_type(kind.value_type))
    if t.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if t.is_uint64(kind):
        return pa.decimal128(20, 0)
    unsigned = {"uint8": pa.int16(), "uint16": pa.int32(), "uint32": pa.int64(), "int8": pa.int16()}
    if str(kind) in unsigned:
        return unsigned[str(kind)]
    if _is_text(kind) or t.is_null(kind):
        return pa.string()
    if _is_bytes(kind):
        return pa.binary()
    if t.is_date(kind):
        return pa.date32()
    if t.is_time(kind):
        return pa.time64("us")
    return kind


def _loadable_array(table: str, column: ServedColumn, array: pa.Array, show_nul: bool) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    if column.encoded:
        encode = _json_encoder(table, column.name, array.type)
        return pa.array([None if value is None else encode(value) for value in array.to_pylist()], pa.string())
    kind = _loaded_type(array.type)
    if array.type != kind:
        array = array.cast(kind, safe=not (t.is_timestamp(kind) or t.is_time(kind)))
    flat = array.flatten() if _is_list(kind) else array
    _check_years(table, column.name, flat)
    if show_nul and t.is_string(flat.type):
        if _is_list(kind):
            shown = [
                None if values is None else [None if one is None else one.replace(NUL, SHOWN_NUL) for one in values]
                for values in array.to_pylist()
            ]
            return pa.array(shown, kind)
        return pc.replace_substring(array, NUL, SHOWN_NUL)
    return array


def _check_years(table: str, column: str, array: pa.Array) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    if not (t.is_date(array.type) or t.is_timestamp(array.type)) or len(array) == array.null_count:
        return
    # Years are counted in numbers: values of Python end with the year 9999.
    per_year = 366 if t.is_date(array.type) else 366 * 86_400_000_000
    numbers = array.cast(pa.int32() if t.is_date(array.type) else pa.int64())
    ends = pc.min_max(numbers)
    unit = 1 if t.is_date(array.type) else 86_400_000_000
    first, last = date(1, 1, 1).toordinal(), date(YEAR_MAX, 12, 31).toordinal()
    epoch = date(1970, 1, 1).toordinal()
    for number in (ends["min"].as_py(), ends["max"].as_py()):
        days = number // unit
        if not first <= days + epoch <= last:
            year = 1970 + number // per_year
            raise CopyRefused(
                f"table {table}: column {column!r} holds a value of about the year {year:,}; "
                f"a serving copy holds the years 1 to {YEAR_MAX}",
                hint="correct the value, or store the column as text",
            )


def _json_encoder(table: str, column: str, kind: pa.DataType) -> Callable[[Any], str]:
    """A function that encodes a value of Arrow, in the form of Python, as JSON text."""
    import pyarrow.types as t

    def optional(part: pa.DataType) -> Callable[[Any], str]:
        encode = _json_encoder(table, column, part)
        return lambda value: "null" if value is None else encode(value)

    if t.is_struct(kind):
        parts = [(kind.field(at).name, optional(kind.field(at).type)) for at in range(kind.num_fields)]
        keys = [(name, f"{_json_text(name)}:", encode) for name, encode in parts]
        return lambda value: "{" + ",".join(key + encode(value[name]) for name, key, encode in keys) + "}"
    if _is_list(kind):
        item = optional(kind.value_type)
        return lambda value: "[" + ",".join(map(item, value)) + "]"
    if t.is_map(kind):
        key_text, item = optional(kind.key_type), optional(kind.item_type)
        if _is_text(kind.key_type):
            return lambda value: "{" + ",".join(f"{key_text(key)}:{item(each)}" for key, each in value) + "}"
        return lambda value: "[" + ",".join(f"[{key_text(key)},{item(each)}]" for key, each in value) + "]"
    return _json_scalar


def _json_scalar(value: Any) -> str:
    match value:
        case str():
            return _json_text(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else f'"{_unusual(value)}"'
        case Decimal():
            return format(value, "f")
        case bytes():
            return f'"{b64encode(value).decode()}"'
        case datetime():
            return f'"{value.isoformat()}"'
        case _:
            return f'"{value.isoformat()}"'  # a date or a time


def _unusual(value: float) -> str:
    """The names that PostgreSQL has for the numbers that JSON has not."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _json_text(value: str) -> str:
    return json.dumps(value.replace(NUL, SHOWN_NUL) if NUL in value else value, ensure_ascii=False)
