"""A model as an Avro schema, with which Pub/Sub validates messages.

Source: https://avro.apache.org/docs/1.11.1/specification/
"""

from __future__ import annotations

from typing import Any

from alchemesh_platform.sdk.models import LogicalType, Property, SemanticModel

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
