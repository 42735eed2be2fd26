"""Checks of a BigQuery table's schema, like those of the real provider and BigQuery: problems, and changes in place.

Source: https://cloud.google.com/bigquery/docs/schemas, and for what replaces a table the provider's
google/services/bigquery/resource_bigquery_table.go (resourceTableSchemaIsChangeable)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Field = Mapping[str, Any]

# https://cloud.google.com/bigquery/docs/schemas#column_names
COLUMN_NAME_MAX = 300
COLUMN_NAME = re.compile(rf"[^\W\d][\w \-]{{0,{COLUMN_NAME_MAX - 1}}}")
RESERVED_PREFIXES = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER")
DESCRIPTION_MAX = 1024
COLUMNS_MAX = 10_000  # https://cloud.google.com/bigquery/quotas#standard_tables
NESTING_MAX = 15
MODES = ("NULLABLE", "REQUIRED", "REPEATED")
# https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema
SAME_TYPES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
TYPES = frozenset(
    {
        *("STRING", "BYTES", "INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "TIMESTAMP", "DATE", "TIME"),
        *("DATETIME", "INTERVAL", "GEOGRAPHY", "JSON", "RECORD", "RANGE"),
    }
)


def read_schema(text: str) -> list[Field]:
    """The columns of a schema in JSON.

    Raises:
        ValueError: when it is not a list of objects.
    """
    found = json.loads(text)
    if isinstance(found, Mapping) and isinstance(found.get("fields"), list):
        found = found["fields"]
    if not isinstance(found, list) or not all(isinstance(field, Mapping) for field in found):
        raise ValueError("expected a list of columns")
    return found


def wrong_with(fields: Sequence[Field], path: str = "", depth: int = 1) -> Iterator[str]:
    """The problems for which BigQuery would reject a schema, as sentences."""
    seen: set[str] = set()
    if len(fields) > COLUMNS_MAX:
        yield f"found {len(fields)} columns, expected at most {COLUMNS_MAX}"
    for field in fields:
        name = str(field.get("name", ""))
        where = f"{path}{name}"
        if not COLUMN_NAME.fullmatch(name) or name.upper().startswith(RESERVED_PREFIXES):
            in_words = f"1 to {COLUMN_NAME_MAX} letters, digits and _, no digit first, no prefix of BigQuery's own"
            yield f"found the column {where!r}, expected {in_words}"
        if name.lower() in seen:
            yield f"found the column {where!r} twice, in whatever case"
        seen.add(name.lower())
        yield from _wrong_with_field(field, where, depth)


def replaces(old: Sequence[Field], new: Sequence[Field], *, top: bool = True) -> bool:
    """Whether the real provider replaces a table for a change of its schema."""
    before, after = ({str(field["name"]): field for field in fields} for fields in (old, new))
    dropped, added = before.keys() - after.keys(), after.keys() - before.keys()
    # Columns at the top level can be dropped in place. If others are added at once, it might be a rename.
    if dropped and (not top or added):
        return True
    if any(str(after[name].get("mode")) == "REQUIRED" for name in added):
        return True
    return any(_field_replaces(before[name], after[name]) for name in before.keys() & after.keys())


def normal(fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Columns in a normal form, so that two schemas can be compared."""
    return [
        {
            "name": field["name"],
            "type": type_of(field),
            "mode": str(field.get("mode") or "NULLABLE").upper(),
            "description": field.get("description") or "",
            "policyTags": sorted((field.get("policyTags") or {}).get("names") or ()),
            "fields": normal(field.get("fields") or ()),
        }
        for field in fields
    ]


def type_of(field: Field) -> str:
    """A column's type by its first name."""
    kind = str(field.get("type", "")).upper()
    return SAME_TYPES.get(kind, kind)


def _wrong_with_field(field: Field, where: str, depth: int) -> Iterator[str]:
    if type_of(field) not in TYPES:
        yield f"found type {field.get('type')!r} of column {where!r}, expected one of {', '.join(sorted(TYPES))}"
    if str(field.get("mode") or "NULLABLE").upper() not in MODES:
        yield f"found mode {field.get('mode')!r} of column {where!r}, expected one of {', '.join(MODES)}"
    if len(str(field.get("description") or "")) > DESCRIPTION_MAX:
        yield f"the description of column {where!r} is longer than {DESCRIPTION_MAX} characters"
    if len((field.get("policyTags") or {}).get("names") or ()) > 1:
        yield f"found several policy tags of column {where!r}, expected one"
    parts = field.get("fields") or ()
    if (type_of(field) == "RECORD") != bool(parts):
        yield f"column {where!r}: a record has fields, and nothing else has"
    elif parts and depth >= NESTING_MAX:
        yield f"column {where!r} is nested more than {NESTING_MAX} deep"
    elif parts:
        yield from wrong_with(parts, f"{where}.", depth + 1)


def _field_replaces(old: Field, new: Field) -> bool:
    modes = [str(field.get("mode") or "NULLABLE").upper() for field in (old, new)]
    if type_of(old) != type_of(new) or (modes[0] != modes[1] and modes != ["REQUIRED", "NULLABLE"]):
        return True
    return replaces(old.get("fields") or (), new.get("fields") or (), top=False)
