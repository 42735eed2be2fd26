"""Schema evolution of a table: the steps that are possible in place, and the reasons against the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.sdk.system.drift import Deviation
from alchemesh_platform.systems.local.tables.columns import COMMENT, Column, DeltaType, delta_field, type_in_words

REPLACE = "set `on_incompatible_change: replace`, which re-creates the table without its rows"


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The declared or the current schema of a table. ``fields`` are those of a Delta schema."""

    fields: tuple[dict[str, Any], ...]
    partition_by: tuple[str, ...] = ()
    name: str = ""
    description: str = ""
    retention_hours: int | None = None


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Add a column, or parts of an object to a column."""

    field: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AllowNull:
    """Let a required column be null."""

    column: str


@dataclass(frozen=True, slots=True)
class RefuseNull:
    """Make a column required again. A writer made it optional, and no row lacks it."""

    column: str


@dataclass(frozen=True, slots=True)
class Describe:
    """Set the description of a column, or of the table itself (``column`` is None)."""

    column: str | None
    description: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Set the name that the table's log carries."""

    name: str


@dataclass(frozen=True, slots=True)
class Retain:
    """Set the age after which files of former versions are removed; None keeps them."""

    hours: int | None


@dataclass(frozen=True, slots=True)
class Recreate:
    """Re-create the table, which has no rows to lose. Its history stays in the log."""


Step = AddColumn | AllowNull | RefuseNull | Describe | Rename | Retain | Recreate


@dataclass(frozen=True, slots=True)
class Incompatible:
    """The reason why a column, or the partitioning, cannot change in place. ``column`` is None for the whole table."""

    column: str | None
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Evolution:
    """The steps that make a table follow its model, or the reasons why it cannot."""

    steps: tuple[Step, ...] = ()
    incompatible: tuple[Incompatible, ...] = ()


def wanted_schema(
    columns: Sequence[Column],
    partition_by: Sequence[str] = (),
    name: str = "",
    description: str = "",
    retention_hours: int | None = None,
) -> TableSchema:
    """The schema that a model declares.

    Raises:
        ColumnUnfit: when a Delta table cannot store a column.
    """
    fields = tuple(delta_field(column, f"columns[{at}]") for at, column in enumerate(columns))
    return TableSchema(fields, tuple(partition_by), name, description, retention_hours)


def plan_evolution(
    current: TableSchema, wanted: TableSchema, *, empty: bool, without_null: Collection[str] = ()
) -> Evolution:
    """Compare the current schema of a table with the declared one.

    Compatible changes are made in place: adding a nullable column, adding a part to an object, making a required column
    nullable, and changing descriptions or the name. Changes that are incompatible once the table has rows: adding a
    required column (the rows have no value for it), removing a column or changing its type, making a column required,
    and changing the partitioning. An empty table has nothing to lose, so every change is possible.

    Args:
        current: The current schema.
        wanted: The schema of the model.
        empty: Whether the table has no rows.
        without_null: Columns in which the log counts no null.
    """
    incompatible = tuple(_incompatible(current, wanted, without_null))
    if incompatible and empty:
        return Evolution(steps=(Recreate(),))
    if incompatible:
        return Evolution(incompatible=incompatible)
    return Evolution(steps=tuple(_steps(current, wanted)))


def deviations(current: TableSchema, wanted: TableSchema) -> Iterator[Deviation]:
    """The properties of a table that differ from its declaration."""
    before = {field["name"]: field for field in current.fields}
    after = {field["name"]: field for field in wanted.fields}
    for name in dict.fromkeys((*after, *before)):
        found, declared = before.get(name), after.get(name)
        if found is None or declared is None:
            words = [None if each is None else type_in_words(each["type"]) for each in (declared, found)]
            yield Deviation(f"columns.{name}", *words)
            continue
        if _shape(found["type"]) != _shape(declared["type"]):
            yield Deviation(f"columns.{name}.type", type_in_words(declared["type"]), type_in_words(found["type"]))
        if found["nullable"] != declared["nullable"]:
            yield Deviation(f"columns.{name}.required", not declared["nullable"], not found["nullable"])
        texts = [each["metadata"].get(COMMENT) or None for each in (declared, found)]
        if texts[0] != texts[1]:
            yield Deviation(f"columns.{name}.description", *texts)
    for path, one, other in (
        ("partition_by", list(wanted.partition_by), list(current.partition_by)),
        ("name", wanted.name, current.name),
        ("description", wanted.description, current.description),
        ("retention_hours", wanted.retention_hours, current.retention_hours),
    ):
        if one != other:
            yield Deviation(path, one, other)


def _incompatible(current: TableSchema, wanted: TableSchema, without_null: Collection[str]) -> Iterator[Incompatible]:
    before = {field["name"]: field for field in current.fields}
    after = {field["name"]: field for field in wanted.fields}
    for name, gone in before.items():
        if name not in after:
            renamed = _possible_names(gone, before, after)
            asks = f"; is it {' or '.join(renamed)} now?" if renamed else ""
            keeps = (
                f"if it is, keep {name}, add the new one beside it and let the code copy the values; otherwise keep it "
                if renamed
                else "keep it "
            )
            yield Incompatible(
                name, f"the table has it, and the model has not{asks}", f"{keeps}in the model, or {REPLACE}"
            )
    for name, field in after.items():
        old = before.get(name)
        if old is None:
            if not field["nullable"]:
                yield Incompatible(
                    name,
                    "it is new and required, and no row has a value for it",
                    f"make it optional, or {REPLACE}",
                )
        elif not _extends(old["type"], field["type"]):
            yield Incompatible(
                name,
                f"its type would change from {type_in_words(old['type'])} to {type_in_words(field['type'])}",
                f"add a column of the new type beside it, or {REPLACE}",
            )
        elif old["nullable"] and not field["nullable"] and name not in without_null:
            yield Incompatible(
                name, "it would become required, and the rows there may lack it", f"leave it optional, or {REPLACE}"
            )
    if current.partition_by != wanted.partition_by:
        yield Incompatible(
            None,
            f"partitioning would change from {_listed(current.partition_by)} to {_listed(wanted.partition_by)}",
            f"keep the partitioning, or {REPLACE}",
        )


def _possible_names(
    gone: dict[str, Any], before: Mapping[str, dict[str, Any]], after: Mapping[str, dict[str, Any]]
) -> list[str]:
    """The new columns of the same type as a column that is gone: it may have been renamed. The user knows."""
    return [name for name, field in after.items() if name not in before and _extends(gone["type"], field["type"])]


def _steps(current: TableSchema, wanted: TableSchema) -> Iterator[Step]:
    before = {field["name"]: field for field in current.fields}
    for field in wanted.fields:
        name = field["name"]
        old = before.get(name)
        if old is None:
            yield AddColumn(field)
            continue
        if _shape(old["type"]) != _shape(field["type"]):
            yield AddColumn({**field, "nullable": old["nullable"], "metadata": old["metadata"]})
        if field["nullable"] and not old["nullable"]:
            yield AllowNull(name)
        if old["nullable"] and not field["nullable"]:
            yield RefuseNull(name)
        if old["metadata"].get(COMMENT, "") != field["metadata"].get(COMMENT, ""):
            yield Describe(name, field["metadata"].get(COMMENT, ""))
    if current.description != wanted.description:
        yield Describe(None, wanted.description)
    if current.name != wanted.name:
        yield Rename(wanted.name)
    if current.retention_hours != wanted.retention_hours:
        yield Retain(wanted.retention_hours)


def _extends(old: DeltaType, new: DeltaType) -> bool:
    """Whether the new type is the old type, possibly with added parts."""
    if isinstance(old, str) or isinstance(new, str) or old["type"] != new["type"]:
        return old == new
    if old["type"] == "array":
        return _extends(old["elementType"], new["elementType"])
    if old["type"] != "struct":
        return old == new
    parts = {field["name"]: field["type"] for field in new["fields"]}
    return all(field["name"] in parts and _extends(field["type"], parts[field["name"]]) for field in old["fields"])


def same_shape(one: DeltaType, other: DeltaType) -> bool:
    """Whether two types hold the same data; descriptions and the order of parts do not count."""
    return _shape(one) == _shape(other)


def _shape(kind: DeltaType) -> object:
    """The type without descriptions and without the order of its parts, to compare the shape of the data."""
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return "array", _shape(kind["elementType"])
    if kind["type"] == "struct":
        return "struct", frozenset((field["name"], _shape(field["type"])) for field in kind["fields"])
    return repr(kind)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
