"""Columns of a table in the Glue catalog, from the properties of a semantic model.

The rows are Parquet files, with the types of `alchemesh_platform/data/types.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.manifest.models import LogicalType, Property, SemanticModel

# https://docs.aws.amazon.com/athena/latest/ug/data-types.html
TYPES = {
    LogicalType.STRING: "string",
    LogicalType.INTEGER: "bigint",
    LogicalType.NUMBER: "double",
    LogicalType.BOOLEAN: "boolean",
    LogicalType.DATE: "date",
    LogicalType.TIME: "string",
    LogicalType.TIMESTAMP: "timestamp",
}
COMMENT_MAX = 255  # https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Unfit:
    """The reason why a table cannot store a property. ``path`` is the place of the property in the model."""

    path: Place
    found: str
    hint: str


def columns_of(model: SemanticModel) -> list[dict[str, Any]]:
    """The columns of a model's table.

    Args:
        model: A model for which :func:`unfit` returns nothing.
    """
    return [
        {"name": name, "type": hive_type(each)}
        | ({"comment": comment} if (comment := in_one_line(each.description)) else {})
        for name, each in model.properties.items()
    ]


def in_one_line(text: str) -> str:
    """A comment as the catalog takes it: one line."""
    return " ".join(text.split())[:COMMENT_MAX].rstrip()


def hive_type(declared: Property) -> str:
    """The type of a property, as the catalog writes it: ``struct<a:bigint>``."""
    if declared.type is LogicalType.OBJECT:
        parts = (declared.properties or {}).items()
        return f"struct<{','.join(f'{name}:{hive_type(part)}' for name, part in parts)}>"
    if declared.type is LogicalType.ARRAY:
        return f"array<{hive_type(declared.items) if declared.items is not None else 'string'}>"
    if declared.type is LogicalType.NUMBER and declared.precision is not None:
        return f"decimal({declared.precision},{declared.scale or 0})"
    return TYPES[declared.type]


def unfit(model: SemanticModel) -> Iterator[Unfit]:
    """The properties of a model that a table cannot store."""
    for name, declared in model.properties.items():
        yield from _unfit(declared, ("properties", name))


def _unfit(declared: Property, path: Place) -> Iterator[Unfit]:
    if declared.type is LogicalType.OBJECT and not declared.properties:
        hint = "declare its properties, or make it a string with JSON in it"
        yield Unfit(path, "an object without properties, expected one with properties", hint)
    for name, part in (declared.properties or {}).items():
        yield from _unfit(part, (*path, "properties", name))
    if declared.items is not None:
        yield from _unfit(declared.items, (*path, "items"))
