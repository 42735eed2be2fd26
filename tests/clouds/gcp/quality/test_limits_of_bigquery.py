"""The cost of a query is known, shown and limited before it runs, and a query that never ends is cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from alchemesh_platform.base.units import parse_size
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.quality.bigquery import BigQueryTables
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.manifest.models import Property
from alchemesh_platform.quality.accuracy import accuracy
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.tables import Limits, MeasuredPort, NotMeasurable, TooSlow
from alchemesh_platform.sdk.connections.tables import TablesConnection

MODEL = {"id": Property.model_validate({"type": "string", "required": True})}
JOB = {"jobReference": {"jobId": "j1", "location": "EU"}, "jobComplete": False}
DONE = {
    "jobComplete": True,
    "schema": {"fields": [{"name": "s0", "type": "INTEGER"}, {"name": "s1", "type": "INTEGER"}]},
    "rows": [{"f": [{"v": "4"}, {"v": "3"}]}],
}


@dataclass(frozen=True, slots=True)
class Service(BigQueryRest):
    """A BigQuery whose queries read a number of bytes, and whose answers are given."""

    size: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        self.calls.append((f"{method} {path.removeprefix('/bigquery/v2/projects/p/')}", body or query or {}))
        if body is not None and "configuration" in body:
            # https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2
            return {"statistics": {"query": {"totalBytesProcessed": str(self.size), "statementType": "SELECT"}}}
        return {} if path.endswith("/cancel") else self.answers.pop(0)


def tables(service: Service, notes: list[str], limit: str, clock: Any = None) -> BigQueryTables:
    port = MeasuredPort(
        product="retail/orders",
        name="shop",
        connection=TablesConnection(format="bigquery", tables={"sale": "bigquery://p/d/sale"}),
        models={"sale": MODEL},
        read=lambda _model: pytest.fail("no row leaves the storage"),
        limits=Limits(bytes=parse_size(limit)),
        note=notes.append,
    )
    return BigQueryTables(port, service, *([clock] if clock is not None else []))


def test_the_size_of_a_query_is_shown_before_it_runs_and_limits_the_billed_bytes() -> None:
    service, notes = Service("BigQuery", "", size=1_610_612_736, answers=[DONE]), list[str]()
    (completeness, *_rest) = measured(tables(service, notes, "10GiB"), "sale", MODEL, 60)

    assert (completeness.good, completeness.total) == (3, 4)
    assert notes == ["model sale of shop: the query reads 1.5 GiB of at most 10 GiB"]
    (_, dry), (path, run) = service.calls
    assert (dry["configuration"]["dryRun"], path) == (True, "POST queries")
    assert run["maximumBytesBilled"] == str(10 * 1024**3)
    assert run["query"] == dry["configuration"]["query"]["query"]


def test_a_comparison_above_the_limit_reads_no_row_and_the_accuracy_is_unknown() -> None:
    service, notes = Service("BigQuery", "", size=20 * 1024**3), list[str]()
    model = {"id": Property.model_validate({"type": "string", "key": True}), "shop": MODEL["id"]}
    reference = Rows(pa.schema([pa.field(name, pa.string()) for name in model]), list)
    found = accuracy(tables(service, notes, "10GiB"), "sale", model, reference, 60)

    assert found.unknown == (
        "the comparison with its reference would read 20 GiB, and the limit is 10 GiB: --max-bytes raises it"
    )
    (path, dry) = service.calls[-1]
    assert (path, dry["configuration"]["query"]["query"]) == ("POST jobs", "SELECT * FROM `p.d.sale`")
    assert notes == []


def test_a_query_above_the_limit_is_not_run_and_its_values_are_unknown() -> None:
    service, notes = Service("BigQuery", "", size=20 * 1024**3), list[str]()
    with pytest.raises(NotMeasurable) as refused:
        measured(tables(service, notes, "10GiB"), "sale", MODEL, 60)

    assert str(refused.value) == "the query would read 20 GiB, and the limit is 10 GiB: --max-bytes raises it"
    assert [path for path, _ in service.calls] == ["POST jobs"]
    assert notes == []


def test_a_query_that_does_not_end_is_cancelled_at_its_limit() -> None:
    moments = iter([0.0, 1.0, 30.0, 31.0, 61.0])
    service = Service("BigQuery", "", answers=[JOB, JOB])
    with pytest.raises(TooSlow, match="the scan did not end within 60 s"):
        measured(tables(service, [], "1GB", lambda: next(moments)), "sale", MODEL, 60)

    assert [path for path, _ in service.calls] == [
        "POST jobs", "POST queries", "GET queries/j1", "POST jobs/j1/cancel",
    ]  # fmt: skip
    assert [query.get("location") for _, query in service.calls[2:]] == ["EU", "EU"]
