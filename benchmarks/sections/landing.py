"""Landing of a CSV file with a declared schema, against DuckDB's own COPY with the same types, which checks nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from alchemesh_platform.machine.landing.source_columns import SourceColumn, type_of
from alchemesh_platform.systems.local.landing.ingestion import MOST_THREADS, ingest
from alchemesh_platform.systems.local.landing.reading import Reading
from benchmarks.measure import Ratio
from benchmarks.sections.data_api import against

ROWS, TIMES = 5_000_000, 3
MADE = """
    SELECT i AS id, 'article ' || (i % 1000) AS article, DATE '2024-01-01' + (i % 365)::INTEGER AS day,
        (i % 100000 / 100)::DECIMAL(10, 2) AS amount, i % 7 AS quantity,
        strftime(TIMESTAMP '2024-01-01' + to_seconds(i), '%Y-%m-%dT%H:%M:%SZ') AS paid_at
"""
COLUMNS = tuple(
    SourceColumn.model_validate({"name": name, **declared})
    for name, declared in {
        "id": {"type": "integer", "required": True},
        "article": {"type": "string"},
        "day": {"type": "date"},
        "amount": {"type": "number", "precision": 10, "scale": 2},
        "quantity": {"type": "integer"},
        "paid_at": {"type": "timestamp"},
    }.items()
)


def ratios(rows: int = ROWS, times: int = TIMES) -> Iterator[Ratio]:
    """One file, landed and copied in turns."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source, area = folder / "sales.csv", folder / "area"
        duckdb.execute(f"COPY ({MADE} FROM range({rows}) AS r(i)) TO '{source}' (HEADER)")
        types = ", ".join(f"'{column.name}': '{type_of(column)}'" for column in COLUMNS)
        bare = duckdb.connect(config={"threads": MOST_THREADS, "memory_limit": "1GB"})
        bare.execute("SET enable_progress_bar = false")

        def land() -> int:
            shutil.rmtree(area, ignore_errors=True)
            area.mkdir()
            return ingest(source.name, folder, area, Reading("csv", columns=COLUMNS)).rows

        def copy() -> int:
            read = f"read_csv('{source}', columns = {{{types}}}, header = true, auto_detect = false)"
            found = bare.execute(f"COPY (FROM {read}) TO '{folder / 'bare.parquet'}' (FORMAT parquet)").fetchone()
            return int(found[0]) if found else 0

        yield against(
            f"{rows:,} rows of CSV landed with a declared schema, each value checked",
            land,
            "DuckDB's own `COPY` with the same types, unchecked",
            copy,
            times,
            limit=1.2,
        )
