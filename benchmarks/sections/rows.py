"""A typed write of Arrow data into a Delta table, with every check, against `write_deltalake` of the same data."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
from deltalake import write_deltalake

from alchemesh_platform.connections import CONNECTIONS_VARIABLE, connections
from alchemesh_platform.systems.local.tables.columns import Column
from alchemesh_platform.systems.local.tables.delta import evolve_table
from alchemesh_platform.systems.local.tables.evolution import wanted_schema
from benchmarks.measure import Ratio
from benchmarks.sections.data_api import against

ROWS, TIMES = 5_000_000, 3
LIMIT = 1.15
MADE = """
    SELECT $key AS id, 'A-' || (i % 1000) AS article, ['north', 'south', 'west'][1 + i % 3] AS shop,
        DATE '2024-01-01' + (i % 365)::INTEGER AS day, (i % 100000 / 100)::DECIMAL(10, 2) AS amount, i % 7 AS quantity,
        TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds(i) AS paid_at
    FROM range($rows) AS r(i)
"""
MODEL = {
    "id": {"type": "integer", "key": True, "required": True},
    "article": {"type": "string", "required": True, "pattern": "^A-[0-9]+$"},
    "shop": {"type": "string", "enum": ["north", "south", "west"]},
    "day": {"type": "date"},
    "amount": {"type": "number", "precision": 10, "scale": 2},
    "quantity": {"type": "integer"},
    "paid_at": {"type": "timestamp"},
}
# The order of the keys, and how they are made.
ORDERS = {
    "ascending keys": ("i", "integer", "ORDER BY i"),
    "keys in any order": ("i", "integer", "ORDER BY hash(i)"),
    "keys of any size in any order": ("i * 829330513 + 13", "integer", "ORDER BY hash(i)"),
    "texts as keys in any order": ("'order-' || (i * 7919)", "string", "ORDER BY hash(i)"),
}


def ratios(rows: int = ROWS, times: int = TIMES) -> Iterator[Ratio]:
    """The same rows, written with and without checks in turns: with ascending keys, and with keys in any order."""
    duckdb.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    for order, (key, kind, clause) in ORDERS.items():
        model = {**MODEL, "id": {**MODEL["id"], "type": kind}}
        columns = [Column.model_validate({"name": name, **each}) for name, each in model.items()]
        made = f"{MADE} {clause}".replace("$rows", str(rows)).replace("$key", key)
        data = duckdb.sql(made).to_arrow_table()
        with tempfile.TemporaryDirectory() as temporary:
            bare, ours = Path(temporary, "bare"), Path(temporary, "sale")
            for folder in (bare, ours):
                folder.mkdir()
                evolve_table(folder, wanted_schema(columns))
            tables = {"kind": "tables", "format": "delta", "tables": {"sale": ours.as_uri()}}
            known = {
                "product": "retail/orders",
                "environment": "local",
                "outputs": {"shop": {"storage": tables}},
                "schemas": {"shop": {"models": {"sale": model}}},
            }
            port = connections({CONNECTIONS_VARIABLE: json.dumps(known)}).output("shop")

            def write() -> int:
                return port.write("sale", data, "overwrite").rows  # noqa: B023 - called in this turn

            def plain() -> int:
                write_deltalake(str(bare), data, mode="overwrite")  # noqa: B023 - called in this turn
                return rows

            yield against(
                f"{rows:,} rows written with {order}: types, required, enum, pattern and key checked",
                write,
                "`write_deltalake` of the same Arrow data",
                plain,
                times,
                limit=LIMIT,
                fastest=True,
            )
