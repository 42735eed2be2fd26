"""The copy follows an Iceberg table: additions alone where only rows were added, otherwise the whole version."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alchemesh_platform.systems.local.data_api.serving.loader import expire
from alchemesh_platform.systems.local.data_api.serving.loading.load import CopiedTable, Copy
from alchemesh_platform.systems.local.data_api.serving.place import Place
from alchemesh_platform.systems.local.iceberg import serving
from tests.data.products import create_iceberg, iceberg_place, iceberg_shop
from tests.data.test_writers import KEYED
from tests.systems.local.serving.conftest import BYTES_MAX

pytestmark = pytest.mark.slow

TYPES: dict[str, dict[str, Any]] = {
    "day": {"type": "date"},
    "at": {"type": "timestamp"},
    "amount": {"type": "number", "precision": 20, "scale": 2},
    "place": {"type": "object", "properties": {"city": {"type": "string"}}},
    "parts": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}


def test_the_copy_follows_each_change_of_an_iceberg_table(
    place: Place, consumer: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = iceberg_shop(tmp_path, {**KEYED, **TYPES}, "day", retention_hours=1)
    where = iceberg_place(tmp_path)
    copied = CopiedTable("sale", where.path, "iceberg", ("id",), (where.catalog, where.catalog_name, where.namespace))
    copy = Copy(place, copied, BYTES_MAX)

    def load() -> int:
        return copy.load(copy.snapshot()) if copy.moved() else -1

    def ids() -> list[int]:
        return [number for (number,) in consumer.execute("SELECT id FROM sale ORDER BY id").fetchall()]

    assert load() == 0
    moment = datetime(2024, 5, 1, 10, tzinfo=UTC)
    row = {"id": 1, "day": moment.date(), "at": moment, "amount": Decimal("1.10"), "place": {"city": "Köln"}}
    port.write("sale", [{**row, "parts": [{"n": 1}]}])
    assert (load(), load()) == (1, -1)
    (found,) = consumer.execute("SELECT day::text, at::text, amount, place, parts, name FROM sale").fetchall()
    assert [str(each) for each in found] == [
        "2024-05-01",
        "2024-05-01 10:00:00+00",
        "1.10",
        "{'city': 'Köln'}",
        "[{'n': 1}]",
        "None",
    ]
    for number in (2, 3):
        port.write("sale", [{"id": number}])
    assert (load(), ids()) == (2, [1, 2, 3]), "only the added rows are loaded"
    port.write("sale", [{"id": 3, "name": "c"}, {"id": 4}], "merge")
    assert (load(), ids()) == (4, [1, 2, 3, 4])
    create_iceberg(tmp_path, {**KEYED, **TYPES, "more": {"type": "boolean"}}, "day", retention_hours=1)
    assert load() == 4
    assert consumer.execute("SELECT more FROM sale WHERE id = 4").fetchall() == [(None,)]

    expire(copied)
    monkeypatch.setattr(serving, "_COMMIT_SECONDS", -1.0)
    assert load() == -1
    monkeypatch.setattr(copy._source, "snapshot", None)
    assert load() == -1, "the catalog is not asked while the folder stays as it is"
