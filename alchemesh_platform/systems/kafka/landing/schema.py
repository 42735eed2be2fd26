"""The schema of a landed topic: one for all its files, recorded in the folder.

The port declares columns, or the first batch of messages defines those that it has. A later message adds columns, and
never changes the type of one: a message with another type does not fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alchemesh_platform.machine.landing.json_numbers import LongNumber
from alchemesh_platform.machine.landing.json_structure import (
    LARGE,
    MIXED,
    NOTHING,
    TEXT,
    Structure,
    in_structure,
    merged,
    settled,
    structure_of,
    type_of_structure,
)

SCHEMA_FILE = ".alchemesh-schema.json"
_WORDS = {TEXT: "text", MIXED: "text", "BIGINT": "integer", LARGE: "integer", "DOUBLE": "number", "BOOLEAN": "boolean"}


class TopicSchema(BaseModel):
    """The columns of every file of a landed topic, in the order in which they appeared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, Any] = Field(default_factory=dict, description="Name: the structure of its values.")
    declaration: dict[str, Any] | None = Field(
        default=None, description="The declared columns and forms; they are not among the other columns."
    )

    @property
    def types(self) -> dict[str, str]:
        """The type of each column, in the words of DuckDB."""
        return {name: type_of_structure(structure) for name, structure in self.columns.items()}


def read_schema(folder: Path) -> TopicSchema | None:
    """The recorded schema of a folder; None if there is no record, or a damaged one."""
    try:
        return TopicSchema.model_validate_json((folder / SCHEMA_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def schema_text(schema: TopicSchema) -> str:
    """A schema as it is recorded."""
    return json.dumps(schema.model_dump(mode="json", exclude_none=True), ensure_ascii=False) + "\n"


def misfit(schema: TopicSchema, values: Mapping[str, Any]) -> str | None:
    """The reason why an object does not fit the recorded columns; None if it fits. New columns fit."""
    for name, value in respelt(values, schema.columns).items():
        recorded = schema.columns.get(name)
        if recorded is not None and not _fits(recorded, value):
            return f"column {name} is {_in_words(recorded)} in the landed files, and {_found(value)} here"
    return None


def with_columns(schema: TopicSchema, objects: Iterable[Mapping[str, Any]]) -> TopicSchema:
    """The schema with the columns of objects that fit it. All of them together define the types of new columns."""
    fresh: dict[str, Structure] = {}
    for values in objects:
        for name, value in respelt(values, {**schema.columns, **fresh}).items():
            if name not in schema.columns:
                fresh[name] = merged(fresh.get(name, NOTHING), structure_of(value))
    whole = {name: settled(structure) for name, structure in fresh.items()}
    return schema.model_copy(update={"columns": {**schema.columns, **whole}}) if whole else schema


def placed(schema: TopicSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    """An object in the columns and types of the schema. A value of a text column is a text with its own spelling."""
    return {name: in_structure(value, schema.columns[name]) for name, value in respelt(values, schema.columns).items()}


def respelt(value: Any, structure: Structure) -> Any:
    """A value whose names are spelt as in the structure, since a table does not distinguish capitals."""
    if isinstance(value, Mapping) and isinstance(structure, dict):
        spelt: dict[str, str] = {}
        if any(name not in structure for name in value):
            spelt = {name.casefold(): name for name in structure}
        names = {name: spelt.get(name.casefold(), name) for name in value}
        return {names[name]: respelt(part, structure.get(names[name])) for name, part in value.items()}
    if isinstance(value, list) and isinstance(structure, list) and structure:
        return [respelt(part, structure[0]) for part in value]
    return value


def _fits(recorded: Structure, value: Any) -> bool:
    joined = settled(merged(recorded, structure_of(value)))
    return type_of_structure(joined) == type_of_structure(recorded)


def _in_words(structure: Structure) -> str:
    if isinstance(structure, dict):
        return f"an object ({', '.join(structure)})"
    return "a list" if isinstance(structure, list) else _WORDS[structure]


def _found(value: Any) -> str:
    if isinstance(value, LongNumber):
        return "a number with more digits than 64 bits hold"
    if isinstance(value, list):
        return "a list with other values"
    return _in_words(structure_of(value))
