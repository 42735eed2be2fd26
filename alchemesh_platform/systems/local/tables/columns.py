"""Columns of a table, from the properties of a semantic model, with their Delta types."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from alchemesh_platform.documents.models import Identifier
from alchemesh_platform.manifest.models import LogicalType, Property

# https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format
# Delta has no type for a time of day. It is stored as ISO 8601 text (13:45:00), which sorts in order of time.
DELTA_TYPES = {
    LogicalType.STRING: "string",
    LogicalType.INTEGER: "long",
    LogicalType.NUMBER: "double",
    LogicalType.BOOLEAN: "boolean",
    LogicalType.DATE: "date",
    LogicalType.TIME: "string",
    LogicalType.TIMESTAMP: "timestamp",  # microseconds, UTC
}
COMMENT = "comment"  # the key in which Spark and other tools store a column's description

DeltaType = str | dict[str, Any]


class Column(Property):
    """A column: a property of a semantic model with its name."""

    name: Identifier = Field(description="Name of the column.")


class ColumnUnfit(ValueError):
    """Raised when a Delta table cannot store a column. The message names the part and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


def delta_type(declared: Property, path: str) -> DeltaType:
    """The Delta type of a property.

    Parts of objects and items of arrays may always be null. Otherwise, writers that do not know the table's schema
    could not append rows. Only a column itself can be required.

    Raises:
        ColumnUnfit: when an object has no parts, or an array has no item type.
    """
    if declared.type is LogicalType.OBJECT:
        if not declared.properties:
            raise ColumnUnfit(path, "an object needs `properties`, the parts that it has")
        fields = [
            {
                "name": name,
                "type": delta_type(part, f"{path}.properties.{name}"),
                "nullable": True,
                "metadata": _metadata(part),
            }
            for name, part in declared.properties.items()
        ]
        return {"type": "struct", "fields": fields}
    if declared.type is LogicalType.ARRAY:
        if declared.items is None:
            raise ColumnUnfit(path, "an array needs `items`, what it holds")
        return {"type": "array", "elementType": delta_type(declared.items, f"{path}.items"), "containsNull": True}
    if declared.type is LogicalType.NUMBER and declared.precision is not None:
        return f"decimal({declared.precision},{declared.scale or 0})"
    return DELTA_TYPES[declared.type]


def delta_field(column: Column, path: str) -> dict[str, Any]:
    """A column as a field of a Delta schema.

    Raises:
        ColumnUnfit: as :func:`delta_type` does.
    """
    return {
        "name": column.name,
        "type": delta_type(column, path),
        "nullable": not column.required,
        "metadata": _metadata(column),
    }


def type_in_words(kind: DeltaType) -> str:
    """A Delta type in words: ``string``, ``array of long``, ``object of a, b``."""
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return f"array of {type_in_words(kind['elementType'])}"
    return f"object of {', '.join(field['name'] for field in kind['fields'])}"


def _metadata(declared: Property) -> dict[str, str]:
    return {COMMENT: declared.description} if declared.description else {}
