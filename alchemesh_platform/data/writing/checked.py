"""Rows on their way to a table: each batch is converted and checked when the writer takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pyarrow as pa

from alchemesh_platform.data.backend import Target
from alchemesh_platform.data.conditions import mask
from alchemesh_platform.data.errors import IN_TABLE, SHOWN_MAX, Misfit, NotWritable, RowsRefused, duplicate
from alchemesh_platform.data.types import arrow_type, value_in_words
from alchemesh_platform.data.values.convert import TypeUnfit, Unfit, converted
from alchemesh_platform.data.values.python_values import ValueUnfit, column_of
from alchemesh_platform.data.writing.check import broken_rules
from alchemesh_platform.data.writing.given import Given, opened
from alchemesh_platform.data.writing.keys import KeySet

BeforeEnd = Callable[[Sequence[KeySet]], None]


class CheckedRows:
    """The rows of one write.

    Attributes:
        count: Number of rows that the writer has taken.
        failure: The error that ended the reader. A library that reads from it may wrap the error in its own.
    """

    def __init__(self, target: Target, data: Any) -> None:
        """Open the data.

        Raises:
            NotWritable: when the data is of no accepted kind, or its columns are not those of the model.
        """
        self.target = target
        self.count = 0
        self.failure: Exception | None = None
        self._doing = f"output port {target.port!r}"
        self._given: Given = opened(data, self._doing)
        self._keys = [KeySet(columns) for columns in target.unique]
        if self._given.schema is not None:
            try:
                self._check_columns(self._given.schema.names)
            except NotWritable:
                self.close()
                raise

    def reader(self, before_end: BeforeEnd | None = None) -> pa.RecordBatchReader:
        """The checked rows as a stream with the schema of the model. It can be read once.

        Args:
            before_end: Called after the last row, with the unique columns of all rows. An exception of it ends the
                reader with an error, as one of a row does.
        """
        return pa.RecordBatchReader.from_batches(self.target.schema, self.batches(before_end))

    def batches(self, before_end: BeforeEnd | None = None) -> Iterator[pa.RecordBatch]:
        """The checked rows, as :meth:`reader` reads them."""
        try:
            for piece in self._given.pieces:
                batch = self._checked(piece)
                self.count += batch.num_rows
                yield batch
            self._end(before_end)
        except Exception as error:
            self.failure = error
            raise

    @property
    def keys(self) -> list[KeySet]:
        """The unique columns of the rows so far."""
        return self._keys

    def close(self) -> None:
        """End the data's stream, wherever it is."""
        self._given.close()

    def refuse(self, misfits: Sequence[Misfit]) -> None:
        """Refuse the rows.

        Raises:
            RowsRefused: if there are misfits.
        """
        if misfits:
            target = self.target
            there = duplicate(target.key, IN_TABLE)
            is_there = target.mode == "append" and bool(target.key) and any(each.found == there for each in misfits)
            raise RowsRefused(target.port, target.model, misfits, mergeable=is_there)

    def _end(self, before_end: BeforeEnd | None) -> None:
        for keys in self._keys:
            self.refuse(list(keys.twice()))
        if before_end is not None:
            before_end(self._keys)

    def _checked(self, piece: Any) -> pa.RecordBatch:
        columns, unfit = self._columns_of(piece)
        if not unfit:
            unfit = [each for each in broken_rules(columns, self.target.properties) if each.rows]
        schema = self.target.schema
        if unfit:
            self.refuse(self._misfits(unfit, columns))
        batch = pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)
        if self.target.mode == "replace_where":
            self._check_region(batch)
        for keys in self._keys:
            keys.add([columns[name] for name in keys.columns])
        return batch

    def _columns_of(self, piece: Any) -> tuple[dict[str, Any], list[Unfit]]:
        if isinstance(piece, list):
            return self._of_dictionaries(piece)
        unfit: list[Unfit] = []
        columns = {}
        for name, declared in self.target.properties.items():
            at = piece.schema.get_field_index(name)
            if at < 0:
                columns[name] = pa.nulls(piece.num_rows, arrow_type(declared))
                continue
            try:
                found = converted(piece.column(at), declared, name)
            except TypeUnfit as error:
                raise self._unfit_column(name, str(error)) from error
            columns[name] = found.array
            unfit += found.unfit
        return columns, unfit

    def _of_dictionaries(self, rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[Unfit]]:
        known = self.target.properties
        for row in rows:
            if not known.keys() >= row.keys():
                self._check_columns([*row, *(name for name in known if name not in row)])
        unfit: list[Unfit] = []
        columns = {}
        for name, declared in known.items():
            columns[name], wrong = column_of(rows, name, declared)
            unfit += [_of_value(at, error) for at, error in wrong]
        return columns, unfit

    def _misfits(self, unfit: Sequence[Unfit], columns: Mapping[str, Any]) -> list[Misfit]:
        found = sorted((at, each.path, why) for each in unfit for at, why in each.rows)[:SHOWN_MAX]
        key = self.target.key
        return [
            Misfit(self.count + at + 1, path, why, tuple((name, value_in_words(columns[name][at])) for name in key))
            for at, path, why in found
        ]

    def _check_region(self, batch: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        outside = pc.indices_nonzero(pc.invert(mask(batch, self.target.where))).to_pylist()[:SHOWN_MAX]
        condition = " and ".join(str(each) for each in self.target.where)
        names = ", ".join(dict.fromkeys(each.column for each in self.target.where))
        columns = {name: batch.column(name) for name in batch.schema.names}
        found = tuple((at, f"the row is outside of `where`: {condition}") for at in outside)
        self.refuse(self._misfits([Unfit(found, names)], columns))

    def _check_columns(self, names: Sequence[str]) -> None:
        known = self.target.properties
        model = self.target.model
        for name in names:
            if name not in known:
                meant = get_close_matches(str(name), known, 1)
                hint = f"did you mean {meant[0]!r}? " if meant else ""
                raise NotWritable(
                    f"{self._doing}: found the column {name!r}, which model {model!r} has not",
                    hint=f"{hint}the model has {', '.join(known)}",
                )
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise NotWritable(f"{self._doing}: found the column {twice!r} twice")
        missing = [name for name, each in known.items() if each.required and name not in names]
        if missing:
            raise NotWritable(
                f"{self._doing}: the data has no column {missing[0]!r}, which model {model!r} requires",
                hint=f"the data has {', '.join(map(str, names))}",
            )

    def _unfit_column(self, name: str, reason: str) -> NotWritable:
        place = reason if reason.startswith((f"{name}.", f"{name}[")) else f"{name}: {reason}"
        return NotWritable(
            f"{self._doing}: the data does not fit model {self.target.model!r}: {place}",
            hint="convert the column in the code, or change the model in the manifest",
        )


def _of_value(at: int, error: ValueUnfit) -> Unfit:
    return Unfit(((at, error.reason),), error.path)
