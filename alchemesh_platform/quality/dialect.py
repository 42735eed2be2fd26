"""The SQL in which counts are written: that of DuckDB. A storage with another SQL has a subclass. No side effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time

from alchemesh_platform.base.sql import identifier, quoted
from alchemesh_platform.data.values.python_values import value_of
from alchemesh_platform.manifest.models import LogicalType, Property

_NUMBERS = (LogicalType.INTEGER, LogicalType.NUMBER)


class Dialect:
    """Expressions of one SQL."""

    whole = "BIGINT"
    casts: Mapping[LogicalType, str] = {LogicalType.DATE: "DATE", LogicalType.TIMESTAMP: "TIMESTAMPTZ"}

    def name(self, name: str) -> str:
        """A name of a column or table."""
        return identifier(name)

    def part(self, path: str, name: str) -> str:
        """A part of an object."""
        return f"struct_extract({path}, {quoted(name)})"

    def text(self, text: str) -> str:
        """A text."""
        return quoted(text)

    def matches(self, path: str, pattern: str) -> str:
        """The condition that a text has a part that matches a pattern."""
        return f"regexp_matches({path}, {self.text(pattern)})"

    def number_of(self, condition: str) -> str:
        """The number of rows that meet a condition."""
        return f"count(*) FILTER (WHERE {condition})"

    def micros(self, path: str, declared: Property) -> str:
        """A date or timestamp in microseconds since 1970 in UTC. A date stands for its beginning."""
        return f"epoch_us({path})"

    def number_of_items(self, array: str, condition: str) -> str:
        """The number of items of all arrays that meet a condition, in which an item has the name ``item``."""
        return f"coalesce(sum(len(list_filter({array}, lambda item: {condition}))), 0)"

    def literal(self, value: str | int | float, declared: Property) -> str:
        """An allowed value or a bound of a property."""
        if declared.type in _NUMBERS:
            return repr(value) if isinstance(value, int | float) else self.text(value)
        if declared.type is LogicalType.TIME:
            return self.clock(time.fromisoformat(str(value)), declared)
        text = self.text(str(value))
        return f"CAST({text} AS {self.casts[declared.type]})" if declared.type in self.casts else text

    def clock(self, value: time, declared: Property) -> str:
        """A time of day, as tables of this machine store it: a text."""
        return self.text(value_of(value, declared, "enum"))

    def condition(self, path: str, declared: Property) -> str | None:
        """The condition that a value of a property fulfils by its enum, pattern and range; None if it has none.

        Args:
            path: The expression of the value.
        """
        conditions = []
        if declared.enum is not None:
            conditions.append(f"{path} IN ({', '.join(self.literal(value, declared) for value in declared.enum)})")
        if declared.pattern:
            conditions.append(self.matches(path, declared.pattern))
        if declared.minimum is not None:
            conditions.append(f"{path} >= {self.literal(declared.minimum, declared)}")
        if declared.maximum is not None:
            conditions.append(f"{path} <= {self.literal(declared.maximum, declared)}")
        return " AND ".join(f"({each})" for each in conditions) or None

    def groups(self, columns: Sequence[str], table: str, prefix: str) -> str:
        """A query of one row: distinct keys, rows with a key, and keys that occur more than once.

        Args:
            prefix: Beginning of the names of the three columns.
        """
        names = ", ".join(map(self.name, columns))
        present = " AND ".join(f"{self.name(name)} IS NOT NULL" for name in columns)
        keys = f"SELECT count(*) AS n FROM {table} WHERE {present} GROUP BY {names}"  # noqa: S608 - quoted names
        numbers = ("count(*)", f"CAST(coalesce(sum(n), 0) AS {self.whole})", self.number_of("n > 1"))
        listed = ", ".join(f"{number} AS {prefix}{at}" for at, number in enumerate(numbers))
        return f"SELECT {listed} FROM ({keys})"  # noqa: S608 - quoted names


DUCKDB = Dialect()
