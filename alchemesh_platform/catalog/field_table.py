"""Tables of the fields of models, in Markdown, for pages of documentation."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

from alchemesh_platform.documents.json_schema import WrittenSchema


def field_rows(schema: dict[str, Any]) -> list[str]:
    """The lines of a table of fields: name, type, default and meaning.

    Args:
        schema: The JSON Schema of an object.
    """
    required = set(schema.get("required", ()))
    rows = [
        f"| `{name}` | {_type(field)} | {'**required**' if name in required else _default(field)} "
        f"| {cell(field.get('description', ''))} |"
        for name, field in schema.get("properties", {}).items()
    ]
    if not rows:
        return ["No fields.", ""]
    return ["| Field | Type | Default | Meaning |", "|---|---|---|---|", *rows, ""]


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        parts = [part for part in field["anyOf"] if part.get("type") != "null"]
        own = {"examples": field.get("examples")} if field.get("examples") else {}  # instead of those of its type
        return " or ".join(_type({**part, **own} if "examples" in part else part) for part in parts)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}" if "items" in field else "list"
    if field.get("type") == "object":
        values = field.get("additionalProperties") or next(iter(field.get("patternProperties", {}).values()), None)
        return f"map of {_type(values)}" if isinstance(values, dict) and values else "map"
    example = field.get("examples", [None])[0]
    kind = str(field.get("type", "any"))
    return f"{kind}, such as `{example}`" if example else kind


def written_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model, with names and defaults in the form that people write."""
    return model.model_json_schema(by_alias=True, schema_generator=WrittenSchema)


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default in (None, "", [], {}):
        return ""
    return f"`{_plain(default)}`"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join('""' if part == "" else str(part) for part in value)
    return str(value)


def cell(text: str) -> str:
    """A text in a cell of a table. Outside of code, ``<root>`` is no tag of HTML."""
    line = text.replace("|", "\\|").replace("\n", " ")
    return re.sub(r"`[^`]*`|<", lambda found: r"\<" if found[0] == "<" else found[0], line)
