"""Rows that a deletion vector removes are not served: https://github.com/delta-io/delta/blob/master/PROTOCOL.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.systems.local.data_api.serving.loading.load import Copy
from tests.data.deletion_vectors import delete_rows

pytestmark = pytest.mark.slow


def test_rows_of_a_deletion_vector_are_not_served(
    copy_of: Callable[..., Copy], consumer: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """`to_pyarrow_dataset` returns deleted rows or refuses the table."""
    table = tmp_path / "t"
    write_deltalake(table, pa.table({"id": [10, 11, 12, 13, 14]}))
    copy = copy_of(table)
    copy.load(copy.snapshot())
    delete_rows(table, [1, 3])
    assert copy.moved()
    copy.load(copy.snapshot())
    found = consumer.execute(f'SELECT id FROM "{copy.table.name}" ORDER BY id').fetchall()
    assert found == [(10,), (12,), (14,)]
