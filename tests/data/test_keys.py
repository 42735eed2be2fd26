"""Keys that are there twice, among more rows than are compared at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from alchemesh_platform.data.writing import distinct, keys
from alchemesh_platform.data.writing.keys import KeySet

ROWS = 3_000
KINDS: dict[str, tuple[pa.DataType, Callable[[int], Any]]] = {
    "integers in a narrow range": (pa.int64(), lambda number: number - 1_500),
    "integers in a wide range": (pa.int64(), lambda number: (number - 1_500) * 6_148_914_691_236_517),
    "dates": (pa.date32(), lambda number: date(2020, 1, 1) + timedelta(days=number)),
    "moments": (pa.timestamp("us", "UTC"), lambda number: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=number)),
    "times": (pa.time64("us"), lambda number: time(number // 3600, number // 60 % 60, number % 60)),
    "decimals": (pa.decimal128(30, 2), lambda number: Decimal(number) / 100 + 10**25),
    "numbers": (pa.float64(), lambda number: number / 7 - 3),
    "texts": (pa.string(), lambda number: f"order-{number * 7_919}"),
    "long texts": (pa.string(), lambda number: f"{number}: {'é' * 40}\0 {number % 7}"),
    "bytes": (pa.binary(), lambda number: number.to_bytes(8, "big")),
}


@pytest.fixture
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_MANY", 500)
    monkeypatch.setattr(keys, "_RANGE_WIDE", 1 << 16)


def _added(columns: dict[str, pa.Array], piece: int = 400) -> KeySet:
    added = KeySet(list(columns))
    batch = pa.RecordBatch.from_pydict(columns)
    for start in range(0, batch.num_rows, piece):
        added.add(batch.slice(start, piece).columns)
    return added


def _shuffled(make: Callable[[int], Any], rows: int = ROWS) -> list[Any]:
    numbers = list(range(rows))
    random.Random(7).shuffle(numbers)
    return [make(number) for number in numbers]


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [0, 1, 1_999])
def test_one_key_twice_is_found_among_many(kind: str, first: int) -> None:
    arrow, make = KINDS[kind]
    values = _shuffled(make)
    assert not list(_added({"id": pa.array(values, arrow)}).twice())
    again = [*values[:-1], values[first]]
    (misfit,) = _added({"id": pa.array(again, arrow)}).twice()
    assert misfit.row == ROWS
    assert misfit.key == (("id", values[first]),)
    assert misfit.found == "another row in the written rows has the same id"


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize("kind", KINDS)
def test_missing_keys_equal_no_other_among_many(kind: str) -> None:
    arrow, make = KINDS[kind]
    values = [value if number % 3 else None for number, value in enumerate(_shuffled(make))]
    assert not list(_added({"id": pa.array(values, arrow)}).twice())
    assert not list(_added({"id": pa.array([None] * ROWS, arrow)}).twice())
    again = [*values[:-1], values[1]]
    assert [each.row for each in _added({"id": pa.array(again, arrow)}).twice()] == [ROWS]


@pytest.mark.usefixtures("_many")
def test_keys_of_several_columns_are_compared_as_a_whole_among_many() -> None:
    rows = [(number % 50, f"s{number // 50}") for number in range(ROWS)]
    random.Random(7).shuffle(rows)
    numbers, texts = ([*each] for each in zip(*rows, strict=True))
    assert not list(_added({"day": pa.array(numbers), "shop": pa.array(texts)}).twice())
    numbers[-1], texts[-1] = numbers[4], texts[4]
    (misfit,) = _added({"day": pa.array(numbers), "shop": pa.array(texts)}).twice()
    assert misfit.key == (("day", numbers[4]), ("shop", texts[4]))


@pytest.mark.usefixtures("_many")
def test_the_first_duplicates_are_shown_in_the_order_of_rows() -> None:
    values = _shuffled(str)
    again = [*values, *values[:10]]
    assert [each.row for each in _added({"id": pa.array(again)}).twice()] == [ROWS + at for at in range(1, 6)]


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize("bits", [0, 3, 8])
def test_different_keys_with_one_fingerprint_are_no_duplicates(monkeypatch: pytest.MonkeyPatch, bits: int) -> None:
    """DuckDB gives some texts of one form the same hash: 2 % of the texts ``order-7919``, ``order-15838``, …"""
    made = distinct.Fingerprints._of

    def few(self: distinct.Fingerprints, written: pa.Table) -> Any:
        return pc.bit_wise_and(made(self, written), pa.scalar((1 << bits) - 1, pa.uint64()))

    monkeypatch.setattr(distinct.Fingerprints, "_of", few)
    values = _shuffled(str)
    assert not list(_added({"id": pa.array(values)}).twice())
    assert [each.row for each in _added({"id": pa.array([*values, values[9]])}).twice()] == [ROWS + 1]


@pytest.mark.usefixtures("_many")
def test_ascending_keys_that_end_with_an_earlier_one_are_found() -> None:
    values = [*range(0, ROWS * 1_000_000, 1_000_000), 5_000_000]
    assert [each.row for each in _added({"id": pa.array(values)}).twice()] == [ROWS + 1]


def _batches(values: Sequence[int]) -> Iterator[pa.RecordBatch]:
    table = pa.table({"id": values, "at": range(len(values))})
    yield from table.to_batches(max_chunksize=100)


def test_rows_of_a_table_are_compared_in_pieces_as_large_as_the_written_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comparison makes a hash table of all written keys: with many small batches, an append took minutes."""
    compared = 0
    is_in = pc.is_in

    def counting(*args: Any, **options: Any) -> Any:
        nonlocal compared
        compared += 1
        return is_in(*args, **options)

    monkeypatch.setattr(pc, "is_in", counting)
    added = _added({"id": pa.array(_shuffled(lambda number: number * 2, 1_000))})
    odd = list(range(1, 8_000, 2))
    assert not list(added.against(_batches(odd)))
    assert compared == 4
    kept = pa.Table.from_batches(added.without(_batches([*odd[:2_000], *range(0, 4_000, 2)])))
    assert kept["id"].to_pylist() == [*odd[:2_000], *range(2_000, 4_000, 2)]
    assert kept["at"].to_pylist() == [*range(2_000), *range(3_000, 4_000)]
    assert compared == 8
    assert [each.key for each in added.against(_batches([1, 6, 3]))] == [(("id", 6),)]
