"""A model as an Avro schema, with which Pub/Sub validates messages, and rows in its encoding.

Source: https://avro.apache.org/docs/1.11.1/specification/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from alchemesh_platform.manifest.models import LogicalType, Property, SemanticModel

AVRO_TYPES: dict[LogicalType, Any] = {
    LogicalType.STRING: "string",
    LogicalType.INTEGER: "long",
    LogicalType.NUMBER: "double",
    LogicalType.BOOLEAN: "boolean",
    LogicalType.DATE: {"type": "int", "logicalType": "date"},
    LogicalType.TIME: {"type": "long", "logicalType": "time-micros"},
    LogicalType.TIMESTAMP: {"type": "long", "logicalType": "timestamp-micros"},
}


def avro_schema(name: str, model: SemanticModel) -> dict[str, Any]:
    """The Avro record of a model. Properties that are not required may be null, which is also their default."""
    record: dict[str, Any] = {"type": "record", "name": name, "fields": _fields(model.properties, name)}
    return {**record, "doc": model.description} if model.description else record


def _fields(properties: dict[str, Property], above: str) -> list[dict[str, Any]]:
    return [_field(name, declared, above) for name, declared in properties.items()]


def _field(name: str, declared: Property, above: str) -> dict[str, Any]:
    kind = _type(declared, f"{above}_{name}")
    field = (
        {"name": name, "type": kind} if declared.required else {"name": name, "type": ["null", kind], "default": None}
    )
    return {**field, "doc": declared.description} if declared.description else field


def _type(declared: Property, name: str) -> Any:
    if declared.type is LogicalType.OBJECT:
        return {"type": "record", "name": name, "fields": _fields(declared.properties or {}, name)}
    if declared.type is LogicalType.ARRAY:
        items = declared.items
        return {"type": "array", "items": _type(items, f"{name}_item") if items is not None else "string"}
    return AVRO_TYPES[declared.type]


def avro_value(value: Any, declared: Property, name: str, *, top: bool = True) -> Any:
    """A value in Avro's JSON encoding: one that may be null is named with its type.

    Args:
        value: The value of a row, as Python has it.
        declared: Its property.
        name: The name that :func:`avro_schema` gives the type of an object.
        top: Whether the value may be null if it is not required; items of arrays may not.

    Source: https://avro.apache.org/docs/1.11.1/specification/#json-encoding
    """
    if value is None:
        return None
    plain = _plain(value, declared, name)
    return {_branch(declared, name): plain} if top and not declared.required else plain


def avro_row(row: Mapping[str, Any], properties: Mapping[str, Property], name: str) -> dict[str, Any]:
    """A row, or an object, in Avro's JSON encoding."""
    return {each: avro_value(row[each], declared, f"{name}_{each}") for each, declared in properties.items()}


def _plain(value: Any, declared: Property, name: str) -> Any:
    match declared.type:
        case LogicalType.OBJECT:
            return avro_row(value, declared.properties or {}, name)
        case LogicalType.ARRAY:
            items = declared.items
            return (
                list(value) if items is None else [avro_value(each, items, f"{name}_item", top=False) for each in value]
            )
        case LogicalType.DATE:
            return (value - _EPOCH.date()).days
        case LogicalType.TIME:
            return (datetime.combine(_EPOCH, time.fromisoformat(value), UTC) - _EPOCH) // _MICROSECOND
        case LogicalType.TIMESTAMP:
            return (value - _EPOCH) // _MICROSECOND
        case _:
            return value


def _branch(declared: Property, name: str) -> str:
    """The name of a type in a union."""
    if declared.type is LogicalType.OBJECT:
        return name
    if declared.type is LogicalType.ARRAY:
        return "array"
    kind = AVRO_TYPES[declared.type]
    return str(kind["type"] if isinstance(kind, dict) else kind)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
