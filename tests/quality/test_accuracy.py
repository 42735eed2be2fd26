"""Accuracy: rows that equal the row of a reference with the same key, and the reasons for which it is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_type
from alchemesh_platform.manifest.models import Property
from alchemesh_platform.quality.accuracy import accuracy
from alchemesh_platform.quality.rows import by_rows
from alchemesh_platform.quality.tables import Tables
from tests.quality.ports import port_of

MODEL = {
    "code": Property.model_validate({"type": "string", "key": True}),
    "day": Property.model_validate({"type": "integer", "key": True}),
    "name": Property.model_validate({"type": "string"}),
    "size": Property.model_validate({"type": "integer"}),
}


def rows_of(rows: Sequence[Mapping[str, Any]], *names: str) -> Rows:
    chosen = {name: MODEL[name] for name in names or MODEL}
    schema = pa.schema([pa.field(name, arrow_type(each)) for name, each in chosen.items()])
    return Rows(schema, pa.Table.from_pylist([dict(row) for row in rows], schema).to_batches)


def row(code: str | None, day: int, name: str | None = None, size: int | None = None) -> dict[str, Any]:
    return {"code": code, "day": day, "name": name, "size": size}


HERE = [row("a", 1, "A", 1), row("a", 2, "A", None), row("b", 1, None, 2), row("c", 1, "C", 3), row(None, 1, "N", 4)]


def found(reference: Rows, here: Sequence[Mapping[str, Any]] = HERE) -> Any:
    with by_rows(port_of({"sale": rows_of(here)}, {"sale": MODEL})) as tables:
        each = accuracy(tables, "sale", MODEL, reference, 60)
    return each.unknown or (each.good, each.total)


def test_rows_are_compared_by_their_key_on_all_properties_that_both_have() -> None:
    there = [row("a", 1, "A", 1), row("a", 2, "A", 9), row("b", 1, None, 2), row("x", 1, "X", 1), row(None, 1, "N", 4)]
    assert found(rows_of(there)) == (2, 3), "a row without a key is not compared, and null equals null"
    assert found(rows_of(there, "code", "day", "name")) == (3, 3)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (rows_of([row("x", 1)]), "no row has a key of the reference"),
        (rows_of([]), "no row has a key of the reference"),
        (rows_of([row("a", 1), row("a", 1, "B")]), "1 keys occur more than once in the reference"),
        (rows_of([], "code", "name"), "the reference has no property day, which is part of the key"),
        (rows_of([], "code", "day"), "the reference has no property of the model besides its key"),
    ],
)
def test_a_reference_that_compares_nothing_has_a_reason(reference: Rows, reason: str) -> None:
    assert found(reference) == reason


def test_a_storage_that_only_counts_by_itself_is_not_compared() -> None:
    each = accuracy(Tables(), "sale", MODEL, rows_of(HERE), 60)
    assert each.unknown == "the storage counts by itself, so its rows are not compared with a reference"
