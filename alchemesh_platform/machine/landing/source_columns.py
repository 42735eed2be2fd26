"""Columns of a landing area: those that the port declares, and those that a source file has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.base.sql import identifier
from alchemesh_platform.documents.models import Identifier
from alchemesh_platform.manifest.models import LogicalType, SourceProperty

TEXT = "VARCHAR"
_TYPES = {
    LogicalType.STRING: TEXT,
    LogicalType.INTEGER: "BIGINT",
    LogicalType.NUMBER: "DOUBLE",
    LogicalType.BOOLEAN: "BOOLEAN",
    LogicalType.DATE: "DATE",
    LogicalType.TIME: TEXT,  # as in a table: ISO 8601 text, which sorts in order of time
    LogicalType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}


class SourceColumn(SourceProperty):
    """A declared column: a property of the port's schema with its name."""

    name: Identifier = Field(description="Name of the column where it lands.")

    @property
    def source_name(self) -> str:
        """Its name in the source."""
        return self.column or self.name


class LandedColumn(BaseModel):
    """A column of the landed files. All files of a landing area have the same columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: str = Field(description="Type in the words of DuckDB.")
    structure: Any | None = Field(default=None, description="JSON: the structure of its values.")


def type_of(declared: SourceProperty) -> str:
    """The type in which a declared property lands."""
    if declared.type is LogicalType.OBJECT:
        parts = (f"{identifier(name)} {type_of(part)}" for name, part in (declared.properties or {}).items())
        return f"STRUCT({', '.join(parts)})"
    if declared.type is LogicalType.ARRAY:
        return f"{type_of(declared.items)}[]" if declared.items is not None else f"{TEXT}[]"
    if declared.type is LogicalType.NUMBER and declared.precision is not None:
        return f"DECIMAL({declared.precision},{declared.scale or 0})"
    return _TYPES[declared.type]


def landed_columns(declared: Iterable[SourceColumn]) -> tuple[LandedColumn, ...]:
    """The columns that declared columns land as."""
    return tuple(LandedColumn(name=column.name, type=type_of(column)) for column in declared)


def in_words(kind: str) -> str:
    """A type of DuckDB as a message names it."""
    known = {TEXT: "text", "BIGINT": "integer", "DOUBLE": "number", "TIMESTAMP WITH TIME ZONE": "timestamp"}
    return known.get(kind, kind.lower())
