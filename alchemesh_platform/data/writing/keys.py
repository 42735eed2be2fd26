"""Uniqueness of keys: inside the written rows, and against the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.data.errors import IN_ROWS, IN_TABLE, SHOWN_MAX, Misfit, duplicate
from alchemesh_platform.data.types import as_plain
from alchemesh_platform.data.writing.distinct import (
    Fingerprints,
    has_fingerprint,
    has_range,
    integers_differ,
    narrow,
    range_of,
)

ROW = "__row"
_MANY = 131_072  # rows; fewer are compared at once
_RANGE_WIDE = 1 << 26
_PIECE_ROWS_MAX = 1 << 20


class KeySet:
    """The values of columns that are unique together, of all written rows. Only these columns stay in memory."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._batches: list[pa.RecordBatch] = []
        self._ascending = True  # so far, each value is greater than the one before: none is there twice
        self._last: Any = None
        self._range: tuple[int, int] | None = None  # of a key that is an integer or a date
        self._fingerprints: Fingerprints | None = None
        self._ready = 0  # batches that have fingerprints

    def add(self, columns: Sequence[Any]) -> None:
        """Add the columns of one batch."""
        batch = pa.RecordBatch.from_arrays([_comparable(each) for each in columns], names=list(self.columns))
        if not batch.num_rows:
            return
        self._batches.append(batch)
        if self._ascending:
            self._ascending = len(columns) == 1 and self._continues(columns[0])
        if self._has_range(batch) and (found := range_of(batch.column(0))) is not None:
            low, high = self._range or found
            self._range = min(low, found[0]), max(high, found[1])
        if not self._ascending and self._is_wide(batch):
            self._add_fingerprints(at_least=_MANY)

    def _continues(self, column: Any) -> bool:
        if column.null_count or pa.types.is_nested(column.type):
            return False
        first, last = column[0], column[-1]
        if self._last is not None and not pc.greater(first, self._last).as_py():
            return False
        self._last = last
        return pc.all(pc.greater(column[1:], column[:-1])).as_py() is not False

    def _has_range(self, batch: pa.RecordBatch) -> bool:
        return len(self.columns) == 1 and has_range(batch.schema.types[0])

    def _is_wide(self, batch: pa.RecordBatch) -> bool:
        """Whether only fingerprints can prove that the keys differ. They are made while the writer is busy."""
        if self._has_range(batch):
            return self._range is not None and self._range[1] - self._range[0] >= _RANGE_WIDE
        return all(map(has_fingerprint, batch.schema.types))

    def _add_fingerprints(self, at_least: int) -> None:
        waiting = self._batches[self._ready :]
        if sum(batch.num_rows for batch in waiting) < at_least:
            return
        if self._fingerprints is None:
            self._fingerprints = Fingerprints(waiting[0].schema)
        self._fingerprints.add(_whole(pa.Table.from_batches(waiting)))
        self._ready = len(self._batches)

    def _suspects(self) -> pa.Table:
        """The rows whose values another row may have; all others are certainly different."""
        none, everything = self.table.slice(0, 0), _whole(self.table)
        if self._ascending:
            return none
        if len(self) < _MANY or not all(map(has_fingerprint, everything.schema.types)):
            return everything
        if self._has_range(self._batches[0]) and self._fingerprints is None:
            if self._range is None:
                return none
            if narrow(*self._range, len(self)):
                return none if integers_differ(everything.column(0), *self._range) else everything
        self._add_fingerprints(at_least=1)
        if self._fingerprints is None:
            return everything
        shared = self._fingerprints.shared()
        return self._fingerprints.having(everything, shared) if len(shared) else none

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
        if not self._batches:
            return
        suspects = self._suspects()
        if not suspects.num_rows:
            return
        counted = suspects.group_by(list(self.columns)).aggregate([([], "count_all")])
        again = counted.filter(pc.greater(counted["count_all"], 1)).drop_columns(["count_all"])
        if not again.num_rows:
            return
        found = _matches(self._numbered(), again)
        seen = set()
        shown = 0
        for row in found.sort_by(ROW).to_pylist():
            values = tuple(row[name] for name in self.columns)
            if values in seen:
                yield self._misfit(row, IN_ROWS)
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
        for piece in self._pieces(existing):
            keys = [_comparable(piece.column(name)) for name in self.columns]
            there = _whole(pa.Table.from_arrays(keys, names=list(self.columns)).cast(written.schema))
            if len(self.columns) == 1:
                there = there.filter(pc.is_in(there.column(0), value_set=written.column(0)))
            else:
                there = there.join(written, list(self.columns), join_type="left semi")
            if not there.num_rows:
                continue
            for row in _matches(self._numbered(), there).sort_by(ROW).slice(0, SHOWN_MAX - shown).to_pylist():
                yield self._misfit(row, IN_TABLE)
                shown += 1
            if shown >= SHOWN_MAX:
                return

    def without(self, existing: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of a table that have none of the values.

        Args:
            existing: Rows of the table, with at least the same columns.
        """
        if not self._batches:
            yield from existing
            return
        written = _whole(self.table)
        for piece in self._pieces(existing):
            if len(self.columns) == 1:
                met = pc.is_in(_comparable(piece.column(self.columns[0])), value_set=written.column(0))
                yield from piece.filter(pc.invert(met)).to_batches()
                continue
            keys = [
                _comparable(as_plain(piece.column(name))).cast(written.schema.field(name).type) for name in self.columns
            ]
            few = pa.Table.from_arrays([*keys, pa.array(range(piece.num_rows), pa.int64())], names=[*self.columns, ROW])
            left = few.join(written, list(self.columns), join_type="left anti")
            yield from piece.take(left.column(ROW).combine_chunks().sort()).to_batches()

    def _pieces(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
        """Batches put together, because each comparison makes a hash table of all written values."""
        enough = min(len(self), _PIECE_ROWS_MAX)
        waiting: list[pa.RecordBatch] = []
        for batch in batches:
            waiting.append(batch)
            if sum(each.num_rows for each in waiting) >= enough:
                yield pa.Table.from_batches(waiting)
                waiting = []
        if waiting:
            yield pa.Table.from_batches(waiting)

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
