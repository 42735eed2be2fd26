"""Uniqueness of keys: inside the written rows, and against the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.data.errors import SHOWN_MAX, Misfit, duplicate
from alchemesh_platform.data.types import as_plain

ROW = "__row"


class KeySet:
    """The values of columns that are unique together, of all written rows. Only these columns stay in memory."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._batches: list[pa.RecordBatch] = []
        self._ascending = True  # so far, each value is greater than the one before: none is there twice
        self._last: Any = None

    def add(self, columns: Sequence[Any]) -> None:
        """Add the columns of one batch."""
        batch = pa.RecordBatch.from_arrays([_comparable(each) for each in columns], names=list(self.columns))
        if not batch.num_rows:
            return
        self._batches.append(batch)
        if self._ascending:
            self._ascending = len(columns) == 1 and self._continues(columns[0])

    def _continues(self, column: Any) -> bool:
        if column.null_count or pa.types.is_nested(column.type):
            return False
        first, last = column[0], column[-1]
        if self._last is not None and not pc.greater(first, self._last).as_py():
            return False
        self._last = last
        return pc.all(pc.greater(column[1:], column[:-1])).as_py() is not False

    @property
    def table(self) -> pa.Table:
        """The values, one row for each written row."""
        return pa.Table.from_batches(self._batches)

    def __len__(self) -> int:
        return sum(batch.num_rows for batch in self._batches)

    def bounds(self) -> tuple[Any, Any] | None:
        """The smallest and the largest value of a key of one column; None for others."""
        if len(self.columns) != 1 or not self._batches:
            return None
        column = self.table.column(0)
        if pa.types.is_boolean(column.type) or pa.types.is_nested(column.type):
            return None
        found = pc.min_max(column)
        low, high = found["min"].as_py(), found["max"].as_py()
        return None if low is None else (low, high)

    def twice(self) -> Iterator[Misfit]:
        """The first rows whose values an earlier row has."""
        if self._ascending or not self._batches:
            return
        table = self.table
        if len(self.columns) == 1:
            column = table.column(0)
            if len(pc.unique(column)) == len(column) - column.null_count + bool(column.null_count):
                return
        counted = _whole(table).group_by(list(self.columns)).aggregate([([], "count_all")])
        again = counted.filter(pc.greater(counted["count_all"], 1)).drop_columns(["count_all"])
        if not again.num_rows:
            return
        found = _matches(self._numbered(), again)
        seen = set()
        shown = 0
        for row in found.sort_by(ROW).to_pylist():
            values = tuple(row[name] for name in self.columns)
            if values in seen:
                yield self._misfit(row, "in the written rows")
                shown += 1
            seen.add(values)
            if shown == SHOWN_MAX:
                return

    def against(self, existing: Iterable[pa.RecordBatch]) -> Iterator[Misfit]:
        """The first rows whose values a row of a table has.

        Args:
            existing: The same columns of the table's rows.
        """
        if not self._batches:
            return
        written = _whole(self.table)
        shown = 0
        for batch in existing:
            keys = [_comparable(batch.column(name)) for name in self.columns]
            there = _whole(pa.Table.from_arrays(keys, names=list(self.columns)).cast(written.schema))
            if len(self.columns) == 1:
                met = pc.is_in(there.column(0), value_set=pc.unique(written.column(0)))
                there = there.filter(met)
            else:
                there = there.join(written, list(self.columns), join_type="left semi")
            if not there.num_rows:
                continue
            for row in _matches(self._numbered(), there).sort_by(ROW).slice(0, SHOWN_MAX - shown).to_pylist():
                yield self._misfit(row, "in the table")
                shown += 1
            if shown >= SHOWN_MAX:
                return

    def without(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The rows of a batch that have none of the values."""
        written = self.table if self._batches else None
        if written is None:
            yield batch
            return
        if len(self.columns) == 1:
            met = pc.is_in(_comparable(batch.column(self.columns[0])), value_set=pc.unique(_whole(written).column(0)))
            yield batch.filter(pc.invert(met))
            return
        keys = [
            _comparable(as_plain(batch.column(name))).cast(written.schema.field(name).type) for name in self.columns
        ]
        few = pa.Table.from_arrays([*keys, pa.array(range(batch.num_rows), pa.int64())], names=[*self.columns, ROW])
        left = few.join(_whole(written), list(self.columns), join_type="left anti")
        yield batch.take(left.column(ROW).sort().combine_chunks())

    def _numbered(self) -> pa.Table:
        table = self.table
        return table.append_column(ROW, pa.array(range(1, table.num_rows + 1), pa.int64()))

    def _misfit(self, row: dict[str, Any], where: str) -> Misfit:
        names = self.columns
        return Misfit(row[ROW], ", ".join(names), duplicate(names, where), tuple((name, row[name]) for name in names))


def _comparable(column: Any) -> Any:
    """The values with one zero: Arrow finds -0.0 unequal to 0.0, and databases find them equal."""
    return pc.add(column, 0.0) if pa.types.is_floating(column.type) else column


def _whole(table: pa.Table) -> pa.Table:
    """The rows without a null: a value that is missing equals no other."""
    return table.drop_null() if any(column.null_count for column in table.columns) else table


def _matches(numbered: pa.Table, few: pa.Table) -> pa.Table:
    return numbered.join(few, few.column_names, join_type="left semi")
