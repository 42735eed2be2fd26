"""Every type of a table has the right type and value in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from alchemesh_platform.systems.local.data_api.serving.loading.columns import CopyRefused, postgres_type, why_not_served
from alchemesh_platform.systems.local.data_api.serving.loading.load import Copy
from alchemesh_platform.systems.local.tables.columns import DELTA_TYPES
from tests.systems.local.serving.matrix import KINDS, PARTITIONS, TIME, write_matrix

pytestmark = pytest.mark.slow


def load(copy: Copy) -> str:
    copy.load(copy.snapshot())
    return copy.table.name


def test_every_type_has_its_value(
    copy_of: Callable[..., Copy], consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """roapi gave 1999 for 19.99, days since 1970 for a date, and the text NULL for null."""
    write_matrix(tmp_path / "t")
    name = load(copy_of(tmp_path / "t"))
    rows = consumer.execute(f'SELECT * FROM "{name}" ORDER BY id').fetchall()
    found = dict(zip(["id", *(kind.name for kind in KINDS)], zip(*rows, strict=True), strict=True))
    assert {kind.name: list(found[kind.name]) for kind in KINDS} == {kind.name: kind.expected for kind in KINDS}
    types = dict(
        consumer.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0",
            (f'"{name}"',),
        ).fetchall()
    )
    assert {kind.name: types[kind.name] for kind in KINDS} == {kind.name: kind.sql for kind in KINDS}
    for kind in KINDS:
        shown = consumer.execute(f'SELECT "{kind.name}"::text FROM "{name}" ORDER BY id').fetchall()
        expected = [
            {"t": "true", "f": "false"}.get(text, text) if kind.name == "truth" else text for text in kind.shown
        ]
        assert [text for (text,) in shown] == [*expected, None], kind.name


@pytest.mark.parametrize("column", PARTITIONS)
def test_a_partition_column_of_each_type_has_its_values_and_null(
    copy_of: Callable[..., Copy], consumer: psycopg.Connection[Any], tmp_path: Path, column: str
) -> None:
    """A partition by text made roapi panic, and REST answered 502."""
    write_matrix(tmp_path / "t", column)
    name = load(copy_of(tmp_path / "t"))
    kind = next(one for one in KINDS if one.name == column)
    found = consumer.execute(f'SELECT "{column}", count(*) FROM "{name}" GROUP BY "{column}"').fetchall()
    assert dict(found) == dict.fromkeys(kind.expected, 1)


def test_a_folder_of_parquet_has_a_time_of_day(
    copy_of: Callable[..., Copy], consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    pq.write_table(pa.table({"at": pa.array([*TIME.values, None], TIME.arrow)}), tmp_path / "a.parquet")
    name = load(copy_of(tmp_path, "parquet"))
    assert consumer.execute(f'SELECT at FROM "{name}"').fetchall() == [(TIME.values[0],), (None,)]


def test_every_type_of_a_model_is_in_the_matrix() -> None:
    scalars = {kind.model for kind in KINDS if kind.model}
    assert {each.value for each in DELTA_TYPES} <= scalars
    assert {"object", "array of object", "array of array"} <= scalars


def test_text_with_nul_shows_a_sign_for_it(
    copy_of: Callable[..., Copy], consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    rows = pa.table({"note": ["a\0b", "c"], "notes": [["\0"], None], "place": [{"city": "\0"}, None]})
    write_deltalake(tmp_path / "t", rows)
    copy = copy_of(tmp_path / "t")
    name = load(copy)
    assert copy.shows_nul
    assert consumer.execute(f'SELECT note, notes, place FROM "{name}" ORDER BY note').fetchall() == [
        ("a␀b", ["␀"], {"city": "␀"}),
        ("c", None, None),
    ]


@pytest.mark.parametrize(
    ("kind", "number"),
    [(pa.date32(), 2_932_897), (pa.timestamp("us"), 253_402_300_800_000_000), (pa.date32(), -719_163)],
)
def test_a_year_that_clients_cannot_read_is_refused_with_its_column(
    copy_of: Callable[..., Copy], tmp_path: Path, kind: pa.DataType, number: int
) -> None:
    integers = pa.array([number], pa.int32() if kind == pa.date32() else pa.int64())
    write_deltalake(tmp_path / "t", pa.table({"at": integers.cast(kind)}))
    copy = copy_of(tmp_path / "t")
    with pytest.raises(
        CopyRefused, match=r"column 'at' holds .* the year .*; a serving copy holds the years 1 to 9999"
    ):
        load(copy)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ctid", "each table of PostgreSQL has a column ctid of its own"),
        ("xmin", "each table of PostgreSQL has a column xmin of its own"),
        ("é" * 32, "a name in PostgreSQL has at most 63 bytes, this one has 64"),
        ("price", None),
    ],
)
def test_names_that_postgresql_cannot_have_are_refused(name: str, reason: str | None) -> None:
    assert why_not_served(name) == reason


def test_a_table_with_a_column_that_postgresql_cannot_have_is_refused(
    copy_of: Callable[..., Copy], tmp_path: Path
) -> None:
    write_deltalake(tmp_path / "t", pa.table({"ctid": [1]}))
    with pytest.raises(CopyRefused, match="column 'ctid' cannot be served: each table of PostgreSQL has a column ctid"):
        load(copy_of(tmp_path / "t"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.uint64(), "numeric(20,0)"),
        (pa.uint32(), "bigint"),
        (pa.dictionary(pa.int16(), pa.string()), "text"),
        (pa.map_(pa.string(), pa.int64()), "jsonb"),
        (pa.large_string(), "text"),
        (pa.duration("s"), None),
        (pa.struct([("a", pa.duration("s"))]), None),
    ],
)
def test_types_of_other_writers(kind: pa.DataType, expected: str | None) -> None:
    assert postgres_type(kind) == expected
