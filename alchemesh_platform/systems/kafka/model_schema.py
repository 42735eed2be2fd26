"""The JSON Schema of a semantic model, which every message of its topic follows."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.manifest.models import LogicalType, Property, SemanticModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KEY = "x-key"  # names of the properties that identify the entity; validators ignore this annotation

# ODCS logical type: type and format of JSON Schema. Formats are those of RFC 3339.
_TYPES: dict[LogicalType, dict[str, Any]] = {
    LogicalType.STRING: {"type": "string"},
    LogicalType.INTEGER: {"type": "integer"},
    LogicalType.NUMBER: {"type": "number"},
    LogicalType.BOOLEAN: {"type": "boolean"},
    LogicalType.DATE: {"type": "string", "format": "date"},
    LogicalType.TIME: {"type": "string", "format": "time"},
    LogicalType.TIMESTAMP: {"type": "string", "format": "date-time"},
    LogicalType.OBJECT: {"type": "object"},
    LogicalType.ARRAY: {"type": "array"},
}


def model_schema(name: str, model: SemanticModel) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one message.

    It allows unknown properties, since a later version may add some.
    """
    schema = {"$schema": DIALECT, "title": name, **_object(model.properties)}
    if model.description:
        schema["description"] = model.description
    keys = [property_ for property_, declared in model.properties.items() if declared.key]
    if keys:
        schema[KEY] = keys
    return schema


def _object(properties: dict[str, Property]) -> dict[str, Any]:
    required = [name for name, declared in properties.items() if declared.required or declared.key]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _property(declared, null=name not in required) for name, declared in properties.items()},
    }
    return {**schema, "required": required} if required else schema


def _property(declared: Property, *, null: bool) -> dict[str, Any]:
    schema = dict(_TYPES[declared.type])
    if declared.properties:
        schema.update(_object(declared.properties))
    if declared.items is not None:
        schema["items"] = _property(declared.items, null=False)
    if declared.pattern is not None:
        schema["pattern"] = f"^(?:{declared.pattern})$"  # the platform's patterns match the whole value
    if declared.type in (LogicalType.INTEGER, LogicalType.NUMBER):  # JSON Schema has no range of dates
        bounds = {"minimum": declared.minimum, "maximum": declared.maximum}
        schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    if declared.enum is not None:
        schema["enum"] = [*declared.enum, *([None] if null else [])]
    if null:
        schema["type"] = [schema["type"], "null"]
    if declared.description:
        schema["description"] = declared.description
    return schema
