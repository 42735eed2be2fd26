"""Quality and business tests of BigQuery tables, counted by the emulator, with the verdicts that DuckDB gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from alchemesh_platform.clouds.gcp.objects.services import bigquery_of, storage_of
from alchemesh_platform.clouds.gcp.quality import bigquery, buckets
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_type
from alchemesh_platform.manifest.models import Property, QualityRule, SemanticModel
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.rows import by_rows
from alchemesh_platform.quality.rules import Verdict, verify
from alchemesh_platform.quality.tables import Deadline, Limits, MeasuredPort, NotMeasurable
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.systems.bigquery.columns import fields_of

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators

PROJECT, DATASET = "acme-mesh", "measured"
MODEL = {
    "id": Property.model_validate({"type": "string", "key": True}),
    "part": Property.model_validate({"type": "integer", "key": True, "enum": [1, 2]}),
    "code": Property.model_validate({"type": "string", "pattern": "^[A-Z]{2}$", "required": True}),
    "size": Property.model_validate({"type": "string", "enum": ["s", 'it\'s "m"']}),
    "amount": Property.model_validate({"type": "number", "precision": 6, "scale": 2, "enum": [1, 2.5]}),
    "day": Property.model_validate({"type": "date", "enum": ["2026-03-01"]}),
    "at": Property.model_validate({"type": "timestamp", "enum": ["2026-03-01T12:00:00Z"]}),
    "clock": Property.model_validate({"type": "time", "enum": ["13:45"]}),
    "place": Property.model_validate(
        {"type": "object", "properties": {"city": {"type": "string", "required": True, "enum": ["Rome"]}}}
    ),
    "tags": Property.model_validate({"type": "array", "items": {"type": "string", "enum": ["a"]}}),
}
NULL = "NULL, NULL, NULL, NULL, NULL, NULL"
VALUES = [
    "('a', 1, 'AB', 's', 1, DATE '2026-03-01', TIMESTAMP '2026-03-01 12:00:00Z', TIME '13:45:00', STRUCT('Rome'), "
    "['a', 'x'])",
    """('a', 1, 'abc', 'it\\'s "m"', 2.5, DATE '2026-03-02', NULL, TIME '13:46:00', STRUCT('Oslo'), [])""",
    "('b', 3, NULL, 'xl', 2.51, NULL, TIMESTAMP '2026-03-01 12:00:00.000001Z', NULL, NULL, [])",
    f"(NULL, 2, 'XY', {NULL}, ['a'])",
]
ROWS: list[dict[str, Any]] = [
    {
        "id": "a", "part": 1, "code": "AB", "size": "s", "amount": Decimal(1), "day": datetime(2026, 3, 1).date(),
        "at": datetime(2026, 3, 1, 12, tzinfo=UTC), "clock": "13:45:00", "place": {"city": "Rome"},
        "tags": ["a", "x"],
    },
    {
        "id": "a", "part": 1, "code": "abc", "size": 'it\'s "m"', "amount": Decimal("2.5"),
        "day": datetime(2026, 3, 2).date(), "at": None, "clock": "13:46:00", "place": {"city": "Oslo"},
        "tags": [],
    },
    {
        "id": "b", "part": 3, "code": None, "size": "xl", "amount": Decimal("2.51"), "day": None,
        "at": datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC), "clock": None, "place": None,
        "tags": [],
    },
    {**dict.fromkeys(MODEL), "part": 2, "code": "XY", "tags": ["a"]},
]  # fmt: skip


def rule(name: str, **fields: Any) -> QualityRule:
    return QualityRule.model_validate({"name": name, **fields})


RULES = [
    rule("rows", metric="rowCount", mustBe=4),
    rule("nulls", metric="nullValues", property="amount", mustBeLessThan=1),
    rule("share", metric="nullValues", property="amount", unit="percent", mustBe=25),
    rule("invalid", metric="invalidValues", property="code", mustBe=1),
    rule("twice", metric="duplicateValues", mustBe=1),
    rule("ids-twice", metric="duplicateValues", property="id", mustBe=1),
    rule("no-limits", metric="invalidValues", property="place", mustBe=0),
    rule("sum", type="sql", query="SELECT SUM(amount) FROM sale", mustBe=6.01),
    rule("text", type="sql", query="SELECT 'many'", mustBe="many"),
    rule("null", type="sql", query="SELECT CAST(NULL AS INT64)", mustBe=1),
    rule("two", type="sql", query="SELECT id FROM sale", mustBe=1),
    rule("prose", type="text", description="looks right"),
]


@pytest.fixture(scope="module")
def port(emulators: Emulators) -> Iterator[MeasuredPort]:
    """A port with the table `sale`."""
    emulators.address_of("bigquery")
    service = bigquery_of(emulators.variables())
    service.make_dataset(PROJECT, {"datasetReference": {"projectId": PROJECT, "datasetId": DATASET}})
    fields = fields_of(SemanticModel(properties=dict(MODEL)))
    for field in fields:
        if field["mode"] != "REPEATED":
            field["mode"] = "NULLABLE"  # the rows come from a writer that checks nothing
    for table in ("sale", "other"):
        reference = {"projectId": PROJECT, "datasetId": DATASET, "tableId": table}
        service.make_table(PROJECT, DATASET, {"tableReference": reference, "schema": {"fields": fields}})
    service.query(PROJECT, f"INSERT INTO {DATASET}.sale VALUES {', '.join(VALUES)}")
    tables = TablesConnection(format="bigquery", tables={"sale": f"bigquery://{PROJECT}/{DATASET}/sale"})
    yield measured_port(tables, emulators)
    service.remove_dataset(PROJECT, DATASET, with_tables=True)


def measured_port(connection: Any, emulators: Emulators, **more: Any) -> MeasuredPort:
    return MeasuredPort(
        product="retail/orders",
        name="shop",
        connection=connection,
        models={"sale": MODEL},
        read=lambda _model: pytest.fail("no row leaves the storage"),
        environ=emulators.variables(),
        **more,
    )


def by_duckdb() -> MeasuredPort:
    schema = pa.schema([pa.field(name, arrow_type(each)) for name, each in MODEL.items()])
    rows = Rows(schema, pa.Table.from_pylist(ROWS, schema).to_batches)
    return MeasuredPort(
        product="retail/orders", name="shop", connection=None, models={"sale": MODEL}, read={"sale": rows}.__getitem__
    )


def verdicts(tables: Any) -> Mapping[str, Verdict]:
    return {each.test: each for each in verify(tables, {"sale": MODEL}, RULES, Deadline(timedelta(minutes=1)))}


def test_bigquery_counts_what_duckdb_counts(port: MeasuredPort) -> None:
    with bigquery.measure(port) as tables, by_rows(by_duckdb()) as same:
        assert measured(tables, "sale", MODEL, 60) == measured(same, "sale", MODEL, 60)
        there, here = verdicts(tables), verdicts(same)

    assert {name: each.outcome for name, each in there.items()} == {
        "rows": "passed", "nulls": "failed", "share": "passed", "invalid": "passed", "twice": "passed",
        "ids-twice": "passed", "no-limits": "error", "sum": "passed", "text": "passed", "null": "unknown",
        "two": "error", "prose": "not executable",
    }  # fmt: skip
    assert there == here


def test_a_query_reads_the_tables_of_its_port_only_and_changes_nothing(port: MeasuredPort) -> None:
    foreign = f"SELECT COUNT(*) FROM {DATASET}.other"
    queries = {"foreign": foreign, "delete": "DELETE FROM sale WHERE TRUE", "broken": "SELECT nonsense FROM sale"}
    rules = [rule(name, type="sql", query=query, mustBe=0) for name, query in queries.items()]
    with bigquery.measure(port) as tables:
        found = verify(tables, {"sale": MODEL}, rules, Deadline(timedelta(minutes=1)))

    assert {each.test: (each.outcome, each.reason) for each in found} == {
        "foreign": ("error", f"the query reads {PROJECT}.{DATASET}.other, expected the tables of its port only"),
        "delete": ("error", "expected one SELECT in the query"),
        "broken": ("error", "Unrecognized name: nonsense"),
    }


def test_parquet_files_of_a_bucket_are_counted_below_the_limit_of_bytes(emulators: Emulators) -> None:
    import io

    import pyarrow.parquet as pq

    emulators.address_of("storage")
    service = storage_of(emulators.variables())
    service.make_bucket(PROJECT, "measured-files", "EU")
    file = io.BytesIO()
    schema = pa.schema([pa.field(name, arrow_type(each)) for name, each in MODEL.items()])
    pq.write_table(pa.Table.from_pylist(ROWS[:2], schema), file)
    service.write("measured-files", "sale/part.parquet", file.getvalue())
    notes: list[str] = []
    connection = FilesConnection(url="gs://measured-files")
    with buckets.measure(measured_port(connection, emulators, note=notes.append)) as tables:
        completeness, *_ = measured(tables, "sale", MODEL, 60)
    assert (completeness.good, completeness.total) == (4, 4)
    assert [note.startswith("model sale of shop: reads ") for note in notes] == [True]

    tight = measured_port(connection, emulators, limits=Limits(bytes=1000))
    with buckets.measure(tight) as tables, pytest.raises(NotMeasurable, match="and the limit is 1000 B: --max-bytes"):
        measured(tables, "sale", MODEL, 60)
