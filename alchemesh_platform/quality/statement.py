"""One statement for all counts of a model, and the measures that follow from them. No side effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from alchemesh_platform.manifest.models import LogicalType, Property
from alchemesh_platform.measures.measure import NO_ROWS
from alchemesh_platform.quality.dialect import DUCKDB, Dialect

NO_REQUIRED = "the model has no required property"
NO_CONDITION = "no property has an enum, a pattern or a range"
ALL_NULL = "every cell with a condition is null"
NO_KEY = "the model has no key"
NO_ROW_WITH_KEY = "no row has a key"

Role = Literal["rows", "present", "null", "valid", "invalid", "other"]


@dataclass(frozen=True, slots=True)
class Counted:
    """A measure that follows from counts.

    Args:
        measure: Its name.
        good: The good cells or rows.
        total: All counted cells or rows.
        unknown: The reason why it is unknown; empty if it has a value.
        seconds: The value of a measure in seconds; None for a ratio.
    """

    measure: str
    good: int = 0
    total: int = 0
    unknown: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """A whole number that is counted over all rows. The numbers of parts of a table add up to that of the table.

    Args:
        expression: The aggregate in SQL.
        role: Its meaning, for storages that know some numbers without a scan.
        column: The property that it counts, with its parts: ``("place", "city")``.
        greatest: Whether it is the greatest value and no number of rows; null then becomes None.
        momentary: Whether it depends on the time of the measurement, so that no later one can use it.
    """

    expression: str
    role: Role = "other"
    column: tuple[str, ...] = ()
    greatest: bool = False
    momentary: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """The distinct keys of a table. They do not add up: every count reads the key of all rows.

    Args:
        columns: The columns of the key.
    """

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """The numbers of distinct keys, of rows with a key, and of keys that occur more than once."""

    keys: int
    rows: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The counted numbers.

    Args:
        sums: Sum: its number.
        groups: Groups: their numbers.
    """

    sums: Mapping[Sum, int | None]
    groups: Mapping[Groups, Grouped]

    def of(self, wanted: Sum) -> int:
        """The number of a sum."""
        return self.sums[wanted] or 0


@dataclass(frozen=True, slots=True)
class Cell:
    """A property, or a part of an object.

    Args:
        name: Its name, with the names of the objects that it is in.
        path: Its expression.
        inside: The expression of the object that it is in; empty for a property of the model.
        declared: The property.
    """

    name: tuple[str, ...]
    path: str
    inside: str
    declared: Property


def cells_of(
    properties: Mapping[str, Property], dialect: Dialect = DUCKDB, above: tuple[str, ...] = (), inside: str = ""
) -> Iterator[Cell]:
    """Each property of a model, and each part of its objects; :func:`items_of` has the items of arrays."""
    for name, declared in properties.items():
        path = dialect.part(inside, name) if inside else dialect.name(name)
        yield Cell((*above, name), path, inside, declared)
        if declared.type is LogicalType.OBJECT and declared.properties:
            yield from cells_of(declared.properties, dialect, (*above, name), path)


def items_of(array: Cell, dialect: Dialect = DUCKDB) -> Iterator[Cell]:
    """The items of an array, and the parts of items that are objects. Arrays in items are not looked into."""
    item = array.declared.items
    if array.declared.type is not LogicalType.ARRAY or item is None:
        return
    name = (*array.name, "[]")
    yield Cell(name, _ITEM, "", item)
    if item.type is LogicalType.OBJECT and item.properties:
        yield from cells_of(item.properties, dialect, name, _ITEM)


_ITEM = "item"
ROWS = Sum("count(*)", "rows")


def present(cell: Cell) -> Sum:
    """The number of cells that are not null."""
    return Sum(f"count({cell.path})", "present", cell.name)


def null(cell: Cell) -> Sum:
    """The number of cells that are null, those of an absent object included."""
    return Sum(f"count(*) - count({cell.path})", "null", cell.name)


def valid(cell: Cell, dialect: Dialect = DUCKDB) -> Sum | None:
    """The number of cells that fulfil enum, pattern and range; None if the property has none."""
    condition = dialect.condition(cell.path, cell.declared)
    if condition is None:
        return None
    return Sum(dialect.number_of(f"{cell.path} IS NOT NULL AND {condition}"), "valid", cell.name)


def invalid(cell: Cell, dialect: Dialect = DUCKDB) -> Sum | None:
    """The number of cells that break enum, pattern or range; None if the property has none."""
    condition = dialect.condition(cell.path, cell.declared)
    if condition is None:
        return None
    return Sum(dialect.number_of(f"{cell.path} IS NOT NULL AND NOT ({condition})"), "invalid", cell.name)


@dataclass(frozen=True, slots=True)
class Statement:
    """The counts of a model's quality, and its measures.

    Args:
        required: Cells to count, and those that are not null, for each required property.
        limited: Cells that are not null, and the valid ones, for each property with a condition.
        key: The key of the model; None if it has none.
    """

    required: tuple[tuple[Sum, Sum], ...]
    limited: tuple[tuple[Sum, Sum], ...]
    key: Groups | None

    @property
    def sums(self) -> tuple[Sum, ...]:
        """Each sum once."""
        pairs = (*self.required, *self.limited)
        return tuple(dict.fromkeys((ROWS, *(each for pair in pairs for each in pair))))

    @property
    def groups(self) -> tuple[Groups, ...]:
        """The groups to count."""
        return () if self.key is None else (self.key,)

    def measures(self, counts: Counts) -> tuple[Counted, ...]:
        """Completeness, validity and uniqueness."""
        rows = counts.of(ROWS)
        return (
            _ratio("completeness", self._counted(self.required, counts), rows, NO_REQUIRED, NO_ROWS),
            _ratio("validity", self._counted(self.limited, counts), rows, NO_CONDITION, ALL_NULL),
            self._uniqueness(counts, rows),
        )

    @staticmethod
    def _counted(pairs: Sequence[tuple[Sum, Sum]], counts: Counts) -> tuple[int, int] | None:
        if not pairs:
            return None
        return sum(counts.of(good) for _, good in pairs), sum(counts.of(total) for total, _ in pairs)

    def _uniqueness(self, counts: Counts, rows: int) -> Counted:
        found = None if self.key is None else counts.groups[self.key]
        numbers = None if found is None else (found.keys, found.rows)
        return _ratio("uniqueness", numbers, rows, NO_KEY, NO_ROW_WITH_KEY)


def statement_of(properties: Mapping[str, Property], dialect: Dialect = DUCKDB, *, typed: bool = True) -> Statement:
    """The counts for the quality of a model.

    Completeness counts required properties, also required parts of objects that are present. Validity counts cells with
    an enum, a pattern or a range. Both count the items of arrays. Uniqueness counts distinct keys.

    Args:
        properties: The properties of the model.
        dialect: The SQL of the storage.
        typed: Whether the storage enforces types. Otherwise, the type of a property is a condition on its cells too.
    """
    required, limited = [], []
    for cell in cells_of(properties, dialect):
        if cell.declared.required:
            total = Sum(f"count({cell.inside})", "present", cell.name[:-1]) if cell.inside else ROWS
            required.append((total, present(cell)))
        good = valid(cell, dialect) or (None if typed else present_of_type(cell))
        if good is not None:
            limited.append((present(cell), good))
        for item in items_of(cell, dialect):
            there = _items(cell, f"{item.path} IS NOT NULL", dialect)
            if item.declared.required and item.inside:
                required.append((_items(cell, f"{item.inside} IS NOT NULL", dialect), there))
            if (condition := dialect.condition(item.path, item.declared)) is not None:
                limited.append((there, _items(cell, f"{item.path} IS NOT NULL AND {condition}", dialect)))
    key = tuple(name for name, each in properties.items() if each.key)
    return Statement(tuple(required), tuple(limited), Groups(key) if key else None)


def _items(array: Cell, condition: str, dialect: Dialect) -> Sum:
    return Sum(dialect.number_of_items(array.path, condition))


def present_of_type(cell: Cell) -> Sum:
    """The number of cells that are not null and have the type of their property."""
    return Sum(f"count({cell.path})", "valid", cell.name)


def select_of(sums: Iterable[Sum], groups: Iterable[Groups], table: str, dialect: Dialect = DUCKDB) -> str:
    """One query for all counts: one row, first the sums and then three numbers for each key.

    Args:
        table: The table in SQL.
    """
    parts = []
    if listed := [each.expression for each in sums]:
        columns = ", ".join(f"{each} AS s{at}" for at, each in enumerate(listed))
        parts.append(f"(SELECT {columns} FROM {table}) AS s")  # noqa: S608 - quoted names
    parts += [f"({dialect.groups(each.columns, table, f'g{at}_')}) AS g{at}" for at, each in enumerate(groups)]
    return f"SELECT * FROM {', '.join(parts)}"  # noqa: S608 - quoted names


def counts_of(sums: Sequence[Sum], groups: Sequence[Groups], row: Sequence[int | None]) -> Counts:
    """The counts from the row of the answer."""
    first, rest = row[: len(sums)], [each or 0 for each in row[len(sums) :]]
    grouped = {each: Grouped(*rest[3 * at : 3 * at + 3]) for at, each in enumerate(groups)}
    return Counts(dict(zip(sums, first, strict=True)), grouped)


def _ratio(measure: str, counts: tuple[int, int] | None, rows: int, undeclared: str, nothing: str) -> Counted:
    """A ratio of good and all; unknown if nothing is declared or counted."""
    if counts is None:
        return Counted(measure, unknown=undeclared)
    if rows == 0:
        return Counted(measure, unknown=NO_ROWS)
    good, total = counts
    return Counted(measure, good, total) if total else Counted(measure, unknown=nothing)
