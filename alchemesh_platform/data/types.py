"""The Arrow types of a model: those of every read, and of every checked row that is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.manifest.models import LogicalType, Property

_TYPES = {
    LogicalType.STRING: pa.string(),
    LogicalType.INTEGER: pa.int64(),
    LogicalType.NUMBER: pa.float64(),
    LogicalType.BOOLEAN: pa.bool_(),
    LogicalType.DATE: pa.date32(),
    LogicalType.TIME: pa.string(),  # ISO 8601 text, as tables and landed files store it
    LogicalType.TIMESTAMP: pa.timestamp("us", "UTC"),
}
ITEM = "element"


def arrow_type(declared: Property) -> pa.DataType:
    """The type of a property."""
    if declared.type is LogicalType.OBJECT:
        return pa.struct([pa.field(name, arrow_type(part)) for name, part in (declared.properties or {}).items()])
    if declared.type is LogicalType.ARRAY:
        items = pa.string() if declared.items is None else arrow_type(declared.items)
        return pa.list_(pa.field(ITEM, items))
    if declared.type is LogicalType.NUMBER and declared.precision is not None:
        return pa.decimal128(declared.precision, declared.scale or 0)
    return _TYPES[declared.type]


def arrow_schema(properties: Mapping[str, Property]) -> pa.Schema:
    """The schema of a model. A required property cannot be null; parts of objects and items of arrays can."""
    return pa.schema(
        [pa.field(name, arrow_type(each), nullable=not each.required) for name, each in properties.items()]
    )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The usual type of the same values: no views, large types, dictionaries or extensions."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if is_list(kind):
        return pa.list_(pa.field(ITEM, plain_type(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(part.name, plain_type(part.type), part.nullable) for part in kind])
    return kind


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with usual types and without metadata."""
    return pa.schema([pa.field(each.name, plain_type(each.type), each.nullable) for each in schema])


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of the types of arrays."""
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def as_plain(array: Any) -> Any:
    """An array with the usual type of its values."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    wanted = plain_type(array.type)
    if array.type == wanted:
        return array
    return (_without_views(array) if _has_views(array.type) else array).cast(wanted)


def _has_views(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return bool(pa.types.is_string_view(kind.value_type) or pa.types.is_binary_view(kind.value_type))
    return _is_view(kind) or any(_has_views(kind.field(at).type) for at in range(kind.num_fields))


def _is_view(kind: pa.DataType) -> bool:
    """Whether a type is an array whose items lie anywhere."""
    return bool(pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind))


def _without_views(array: Any) -> Any:
    """The same values with arrays that are no views.

    A cast of Arrow reads outside of the items of a view, and it has none of dictionaries of views, which Polars has.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        return array.dictionary.cast(plain_type(kind.value_type)).take(array.indices)
    if isinstance(kind, pa.BaseExtensionType):
        return _without_views(array.storage)
    missing = pc.is_null(array)
    if pa.types.is_struct(kind):
        parts = [_without_views(pc.struct_field(array, [at])) for at in range(kind.num_fields)]
        fields = [kind.field(at).with_type(part.type) for at, part in enumerate(parts)]
        return pa.StructArray.from_arrays(parts, fields=fields, mask=missing)
    if not is_list(kind):
        return array
    ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(array), 0)).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends])
    return pa.LargeListArray.from_arrays(offsets, _without_views(pc.list_flatten(array)), mask=missing)


def value_in_words(value: Any) -> Any:
    """A value as Python has it; a text for a year that Python has not."""
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        return value.cast(pa.string()).as_py()


def type_in_words(kind: pa.DataType) -> str:
    """A type in the words of a model, where there is one."""
    types = pa.types
    if types.is_timestamp(kind):
        return "timestamp" if kind.tz else "timestamp without a time zone"
    if types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "string"
    if types.is_floating(kind):
        return "number"
    if types.is_integer(kind):
        return "integer"
    if types.is_boolean(kind):
        return "boolean"
    if types.is_date(kind):
        return "date"
    if types.is_time(kind):
        return "time"
    if is_list(kind):
        return f"array of {type_in_words(kind.value_type)}"
    if types.is_struct(kind):
        return f"object of {', '.join(part.name for part in kind)}"
    return str(kind)
