"""Schemas of Iceberg tables, to and from the fields that evolution compares (those of a Delta schema)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from alchemesh_platform.systems.local.tables.columns import COMMENT, DeltaType

if TYPE_CHECKING:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType, NestedField

# https://iceberg.apache.org/spec/#primitive-types
_NAMES = {
    "string": "string",
    "long": "long",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",  # microseconds, UTC
}
_WORDS = {iceberg: name for name, iceberg in _NAMES.items()}
_FIRST_PARTITION_FIELD = 1000


def iceberg_schema(fields: Iterable[dict[str, Any]]) -> Schema:
    """The schema with new ids, from fields as evolution has them."""
    from pyiceberg.schema import Schema

    ids = count(1)
    return Schema(*(_field(each, ids) for each in fields))


def _field(field: dict[str, Any], ids: count[int]) -> NestedField:
    from pyiceberg.types import NestedField

    number = next(ids)
    return NestedField(
        field_id=number,
        name=field["name"],
        field_type=_type(field["type"], ids),
        required=not field["nullable"],
        doc=field["metadata"].get(COMMENT),
    )


def _type(kind: DeltaType, ids: count[int]) -> IcebergType:
    from pyiceberg.types import DecimalType, ListType, StructType

    if isinstance(kind, str):
        if kind.startswith("decimal"):
            precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
            return DecimalType(int(precision), int(scale))
        return _primitive(_NAMES[kind])
    if kind["type"] == "array":
        return ListType(element_id=next(ids), element_type=_type(kind["elementType"], ids), element_required=False)
    return StructType(*(_field(each, ids) for each in kind["fields"]))


def _primitive(name: str) -> IcebergType:
    from pydantic import TypeAdapter
    from pyiceberg.types import IcebergType

    found: IcebergType = TypeAdapter(IcebergType).validate_python(name)
    return found


def fields_of(schema: Schema) -> tuple[dict[str, Any], ...]:
    """The fields of a schema, as evolution compares them."""
    return tuple(_described(each) for each in schema.fields)


def _described(field: NestedField) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": _kind(field.field_type),
        "nullable": not field.required,
        "metadata": {COMMENT: field.doc} if field.doc else {},
    }


def _kind(kind: IcebergType) -> DeltaType:
    from pyiceberg.types import DecimalType, ListType, StructType

    if isinstance(kind, StructType):
        return {"type": "struct", "fields": [_described(each) for each in kind.fields]}
    if isinstance(kind, ListType):
        return {"type": "array", "elementType": _kind(kind.element_type), "containsNull": not kind.element_required}
    if isinstance(kind, DecimalType):
        return f"decimal({kind.precision},{kind.scale})"
    # A type that no model has keeps its name, marked where a model's type is called so.
    text = str(kind)
    return _WORDS.get(text, f"{text} without a time zone" if text in _NAMES else text)


def partition_spec(schema: Schema, names: Sequence[str]) -> PartitionSpec:
    """A partitioning by the values of columns."""
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import IdentityTransform

    return PartitionSpec(
        *(
            PartitionField(schema.find_field(name).field_id, _FIRST_PARTITION_FIELD + at, IdentityTransform(), name)
            for at, name in enumerate(names)
        )
    )


def partitions_of(spec: PartitionSpec, schema: Schema) -> tuple[str, ...]:
    """The columns that a table is partitioned by; another transformation than the value is named."""
    from pyiceberg.transforms import IdentityTransform, VoidTransform

    names = []
    for field in spec.fields:
        name = str(schema.find_column_name(field.source_id))
        if isinstance(field.transform, VoidTransform):
            continue
        names.append(name if isinstance(field.transform, IdentityTransform) else f"{field.transform} of {name}")
    return tuple(names)
