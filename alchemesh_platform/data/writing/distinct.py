"""Finds the few among many keys that may be equal, so that only these are compared with each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alchemesh_platform.base.sql import identifier
from alchemesh_platform.data.in_memory import open_duckdb

_PARTS_BITS = 4
_PARTS = 1 << _PARTS_BITS  # a part of 5 million fingerprints fits the processor's cache
_HASH_BITS = 64
_SLOTS_A_ROW = 4
_THREADS_MAX = 4
_SLOTS_MAX = 1 << 31


def narrow(low: int, high: int, rows: int) -> bool:
    """Whether a place for each integer of the range takes little memory, compared with the rows."""
    return high - low < min(max(16 * rows, 1 << 20), _SLOTS_MAX)


def integers_differ(column: Any, low: int, high: int) -> bool:
    """Whether integers or dates without nulls all differ: each one takes the place of its value.

    Args:
        column: The values, as a chunked array.
        low: The smallest value.
        high: The largest value. The range is :func:`narrow`.
    """
    # One chunk after the other, in memory that stays in the processor's cache.
    first = pa.scalar(low, pa.int64())
    places = pa.chunked_array(
        [pc.subtract(_integers(each), first).cast(pa.int32()) for each in column.chunks], pa.int32()
    )
    taken = pc.inverse_permutation(places, max_index=high - low, output_type=pa.int32())
    return bool(len(taken) - taken.null_count == len(column))


def range_of(column: Any) -> tuple[int, int] | None:
    """The smallest and the largest value of integers or dates, as integers; None if there is none."""
    found = pc.min_max(_integers(column))
    low, high = found["min"].as_py(), found["max"].as_py()
    return None if low is None else (low, high)


def has_range(kind: pa.DataType) -> bool:
    """Whether values of a type can be compared by :func:`integers_differ`."""
    return bool(pa.types.is_signed_integer(kind) or pa.types.is_date32(kind))


def has_fingerprint(kind: pa.DataType) -> bool:
    """Whether equal values of a type have equal fingerprints."""
    return not pa.types.is_nested(kind) and not pa.types.is_dictionary(kind) and not pa.types.is_null(kind)


class Fingerprints:
    """A number of 64 bits for each key. Equal keys have the same number, so only keys that share one can be equal."""

    def __init__(self, schema: pa.Schema) -> None:

        self._database = open_duckdb({"threads": 1})
        listed = ", ".join(_hashed(field) for field in schema)
        self._statement = f"SELECT hash({listed}) AS fingerprint FROM written"  # noqa: S608 - quoted names
        self._parts: list[list[Any]] = [[] for _ in range(_PARTS)]

    def add(self, keys: pa.Table) -> None:
        """Add keys without nulls."""
        found = self._of(keys)
        part_of = pc.shift_right(found, pa.scalar(_HASH_BITS - _PARTS_BITS, pa.uint64()))
        for number, part in enumerate(self._parts):
            part.append(found.filter(pc.equal(part_of, pa.scalar(number, pa.uint64()))))

    def shared(self) -> Any:
        """The numbers that several of the added keys have."""
        with ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS_MAX)) as threads:
            return pa.concat_arrays(list(threads.map(_shared, self._parts)))

    def having(self, keys: pa.Table, numbers: Any) -> pa.Table:
        """The keys with one of the numbers."""
        return keys.filter(pc.is_in(self._of(keys), value_set=numbers))

    def _of(self, keys: pa.Table) -> Any:
        self._database.register("written", keys)
        found = self._database.sql(self._statement).to_arrow_table().column(0).combine_chunks()
        self._database.unregister("written")
        return found


def _hashed(field: pa.Field) -> str:
    """The arguments of DuckDB's hash. It gives two in a hundred texts like ``order-7919`` that of another one."""
    name = identifier(field.name)
    return f"{name}, {name} || '~~~~'" if pa.types.is_string(field.type) else name


def _shared(pieces: Sequence[Any]) -> Any:
    """The numbers that are there more than once.

    Each number takes a place that its last bits name; the last one to come keeps it. A number that lost its place to an
    equal one is there twice. Those that lost it to another number are few, and are compared with each other.
    """
    numbers = pa.concat_arrays(pieces) if pieces else pa.array([], pa.uint64())
    if not len(numbers):
        return numbers
    bits = (len(numbers) * _SLOTS_A_ROW - 1).bit_length()
    places = pc.bit_wise_and(numbers, pa.scalar((1 << bits) - 1, pa.uint64())).cast(pa.int32())
    keepers = pc.inverse_permutation(places, max_index=(1 << bits) - 1, output_type=pa.int32())
    keeper = keepers.take(places)
    is_equal = pc.equal(numbers.take(keeper), numbers)
    counted = pc.value_counts(numbers.filter(pc.invert(is_equal)))
    found = [counted.field("values").filter(pc.greater(counted.field("counts"), 1))]
    if pc.sum(is_equal).as_py() != len(keepers) - keepers.null_count:
        is_other = pc.not_equal(keeper, pa.array(range(len(numbers)), pa.int32()))
        found.append(pc.unique(numbers.filter(pc.and_(is_equal, is_other))))
    return pa.concat_arrays(found)


def _integers(column: Any) -> Any:
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    return column.cast(pa.int64())
