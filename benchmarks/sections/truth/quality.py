"""Business tests in one statement, against the same aggregates in DuckDB and against datacontract-cli; and memory."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import yaml
from deltalake import convert_to_deltalake

from alchemesh_platform.contracts.odcs.export import PortIdentity, export_odcs, odcs_text
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.manifest.models import Contract, Property, QualityRule, SemanticModel
from benchmarks.measure import Peak, Ratio, against, measure
from benchmarks.sections.data_api import against as in_process
from benchmarks.verified import outcomes
from parts.tools import datacontract

ROWS, MANY = 5_000_000, 100_000_000
TIMES = 3
LIMIT, MEMORY_MAX = 1.5, 2 * 1024**3
MODEL = {
    "id": {"type": "integer", "key": True},
    "article": {"type": "string", "pattern": "^A-[0-9]+$"},
    "shop": {"type": "string", "enum": ["north", "south", "west"]},
    "day": {"type": "date"},
    "amount": {"type": "number"},
    "quantity": {"type": "integer"},
    "note": {"type": "string"},
}
MADE = """
    SELECT (i * 829330513 + 13) % $many AS id, 'A-' || (i % 1000) AS article,
        ['north', 'south', 'west'][1 + i % 3] AS shop, DATE '2024-01-01' + (i % 365)::INTEGER AS day,
        (i % 100000 / 100)::DOUBLE AS amount, i % 7 AS quantity,
        CASE WHEN i % 10 = 0 THEN NULL ELSE 'n' || i % 50 END AS note
    FROM range($rows) AS r(i)
"""
NULLS = "count(*) FILTER (WHERE {} IS NULL)"
# Metric, property and aggregate by hand: 17 in one scan. With three keys, they are 20 tests.
COUNTED: tuple[tuple[str, str | None, str], ...] = (
    ("rowCount", None, "count(*)"),
    *(("nullValues", name, NULLS.format(name)) for name in MODEL),
    *(("missingValues", name, NULLS.format(name)) for name in MODEL),
    ("invalidValues", "article", "count(*) FILTER (WHERE NOT regexp_matches(article, '^A-[0-9]+$'))"),
    ("invalidValues", "shop", "count(*) FILTER (WHERE shop NOT IN ('north', 'south', 'west'))"),
)
DUPLICATES = ("id", "article", "note")


def rules() -> list[QualityRule]:
    """Twenty tests."""
    fields = [{"metric": metric, "property": name} for metric, name, _ in COUNTED]
    fields += [{"metric": "duplicateValues", "property": name} for name in DUPLICATES]
    return [
        QualityRule.model_validate({"name": f"test-{at}", "model": "sale", "mustBeLessThan": ROWS + 1, **each})
        for at, each in enumerate(fields)
    ]


def ratios(rows: int = ROWS, many: int = MANY, times: int = TIMES) -> Iterator[Ratio | Peak]:
    """Twenty tests of a model, and a duplicate test of a large table."""
    model = {name: Property.model_validate(each) for name, each in MODEL.items()}
    tests = rules()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make(folder / "sale", rows)
        contract = _contract(folder, tests)
        files = str(folder / "sale" / "*.parquet")

        def ours() -> int:
            found = outcomes(folder, model, tests)
            assert len(found) == len(tests) and set(found) == {"passed"}
            return rows

        def bare() -> int:
            groups = "SELECT 1 FROM sale WHERE {0} IS NOT NULL GROUP BY {0} HAVING count(*) > 1"
            duplicates = ", ".join(f"(SELECT count(*) FROM ({groups.format(name)}))" for name in DUPLICATES)
            with duckdb.connect() as work:
                work.execute(f"CREATE VIEW sale AS SELECT * FROM read_parquet('{files}')")
                counted = ", ".join(aggregate for *_, aggregate in COUNTED)
                (row,) = work.execute(f"SELECT {counted}, {duplicates} FROM sale").fetchall()
            return int(row[0])

        yield in_process(
            f"{len(tests)} tests of a model, {rows:,} rows",
            ours,
            "one query of DuckDB with the same aggregates",
            bare,
            times,
            limit=LIMIT,
            fastest=True,
        )
        mine = [sys.executable, "-m", "benchmarks.verified", str(folder), str(contract)]
        exported = _odcs(folder, tests)
        (answer,) = datacontract.run([exported])
        assert [each["result"] for each in answer["checks"]] == ["passed"] * len(tests), answer
        theirs = [str(datacontract.python()), str(datacontract.FILES / "run.py"), str(exported)]
        runs = [(measure(mine), measure(theirs)) for _ in range(times)]
        yield against(
            f"the same tests as a process, {rows:,} rows",
            [each for each, _ in runs],
            "datacontract-cli on the exported contract and the same files",
            [each for _, each in runs],
            limit=1.0,
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _make(folder / "sale", many)
        twice = QualityRule.model_validate(
            {"name": "twice", "metric": "duplicateValues", "property": "id", "model": "sale", "mustBe": 0}
        )
        done = measure([sys.executable, "-m", "benchmarks.verified", str(folder), str(_contract(folder, [twice]))])
        yield Peak(f"a duplicate test, {many:,} rows", done.wall, done.peak_bytes, MEMORY_MAX)


def _make(folder: Path, rows: int) -> None:
    """A Delta table, by DuckDB: its files, and then a log about them."""
    folder.mkdir()
    made = MADE.replace("$rows", str(rows)).replace("$many", str(rows))
    with duckdb.connect() as work:
        work.execute("SET memory_limit = '2GB'; SET preserve_insertion_order = false; SET threads = 2")
        work.execute(f"COPY ({made}) TO '{folder / 'part-0.parquet'}' (FORMAT parquet, COMPRESSION zstd)")
    convert_to_deltalake(str(folder))


def _contract(folder: Path, tests: list[QualityRule]) -> Path:
    path = folder / "contract.json"
    document: dict[str, Any] = {"properties": MODEL}
    document["quality"] = [each.model_dump(mode="json", exclude_none=True) for each in tests]
    path.write_text(json.dumps(document), "utf-8")
    return path


def _odcs(folder: Path, tests: list[QualityRule]) -> Path:
    models = {"sale": SemanticModel.model_validate({"properties": MODEL})}
    port = PromisedPort(Contract(version="1.0.0", quality=tuple(tests)), models)
    document = yaml.safe_load(odcs_text(export_odcs(port, PortIdentity("retail", "orders", "shop"))))
    server = {"server": "here", "type": "local", "path": str(folder / "{model}" / "*.parquet"), "format": "parquet"}
    path = folder / "odcs.yaml"
    path.write_text(yaml.safe_dump({**document, "servers": [server]}), "utf-8")
    return path
