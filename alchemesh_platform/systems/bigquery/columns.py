"""Columns of a BigQuery table, from the properties of a semantic model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.manifest.models import LogicalType, Property, SemanticModel

# https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema, as the API answers
BIGQUERY_TYPES = {
    LogicalType.STRING: "STRING",
    LogicalType.INTEGER: "INTEGER",
    LogicalType.NUMBER: "FLOAT",
    LogicalType.BOOLEAN: "BOOLEAN",
    LogicalType.DATE: "DATE",
    LogicalType.TIME: "TIME",
    LogicalType.TIMESTAMP: "TIMESTAMP",  # microseconds, UTC
}
# https://cloud.google.com/bigquery/quotas#standard_tables
COLUMNS_MAX = 10_000
NESTING_MAX = 15
COLUMN_DESCRIPTION_MAX = 1024

NUMERIC_SCALE_MAX = 9
NUMERIC_WHOLE_MAX = 29

Field = dict[str, Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Unfit:
    """The reason why BigQuery cannot store a property. ``path`` is the place of the property in the model."""

    path: Place
    found: str
    hint: str


def fields_of(model: SemanticModel, policy_tags: Mapping[str, str] | None = None) -> list[Field]:
    """The columns of a model's table, as BigQuery's API takes them.

    Parts of objects and items of arrays may always be null; only a column itself can be required.

    Args:
        model: A model for which :func:`unfit` returns nothing.
        policy_tags: The policy tag of each classification.
    """
    return [field_of(name, declared, policy_tags or {}, top=True) for name, declared in model.properties.items()]


def field_of(name: str, declared: Property, policy_tags: Mapping[str, str], *, top: bool = False) -> Field:
    """One column, or part of an object."""
    repeated = declared.type is LogicalType.ARRAY and declared.items is not None
    held = declared.items if repeated and declared.items is not None else declared
    mode = "REPEATED" if repeated else "REQUIRED" if top and declared.required else "NULLABLE"
    field: Field = {"name": name, "type": BIGQUERY_TYPES.get(held.type, "RECORD"), "mode": mode}
    if held.precision is not None and held.type is LogicalType.NUMBER:
        field |= _decimal(held.precision, held.scale or 0)
    if declared.description:
        field["description"] = declared.description
    if held.properties:
        field["fields"] = [field_of(part, below, policy_tags) for part, below in held.properties.items()]
    elif tag := policy_tags.get(declared.classification or held.classification or ""):
        # A column with nested fields has no tag of its own:
        # https://cloud.google.com/bigquery/docs/column-level-security#limitations
        field["policyTags"] = {"names": [tag]}
    return field


def _decimal(precision: int, scale: int) -> Field:
    # https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_decimal_type
    fits = scale <= NUMERIC_SCALE_MAX and precision - scale <= NUMERIC_WHOLE_MAX
    return {"type": "NUMERIC" if fits else "BIGNUMERIC", "precision": str(precision), "scale": str(scale)}


def unfit(model: SemanticModel) -> Iterator[Unfit]:
    """The properties of a model that BigQuery cannot store."""
    count = 0
    for name, declared in model.properties.items():
        count += _columns(declared)
        yield from _unfit(declared, ("properties", name), 1)
    if count > COLUMNS_MAX:
        yield Unfit(("properties",), f"{count:,} columns with their parts", f"a table holds at most {COLUMNS_MAX:,}")


def _unfit(declared: Property, path: Place, depth: int) -> Iterator[Unfit]:
    if len(declared.description) > COLUMN_DESCRIPTION_MAX:
        yield Unfit(
            (*path, "description"),
            f"a description of {len(declared.description):,} characters",
            f"say it in {COLUMN_DESCRIPTION_MAX:,}",
        )
    if declared.type is LogicalType.ARRAY:
        if declared.items is None:
            yield Unfit(path, "an array of nothing", "say what it holds: `items: {type: …}`")
        elif declared.items.type is LogicalType.ARRAY:
            yield Unfit((*path, "items"), "an array of arrays", "put an object in between: it can hold an array")
        else:
            yield from _unfit(declared.items, (*path, "items"), depth)
    elif declared.type is LogicalType.OBJECT:
        if not declared.properties:
            yield Unfit(path, "an object without parts", "name its parts: `properties: {…}`")
        elif depth >= NESTING_MAX:
            yield Unfit(path, f"an object {depth} deep", f"objects nest at most {NESTING_MAX} deep")
        else:
            for name, part in declared.properties.items():
                yield from _unfit(part, (*path, "properties", name), depth + 1)


def _columns(declared: Property) -> int:
    held = declared.items or declared
    return 1 + sum(_columns(part) for part in (held.properties or {}).values())
