"""Queries of consumers are counted once, from a history of jobs with the columns of BigQuery's, in the emulator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.gcp import job_history
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.job_history import METERING, JobHistory
from alchemesh_platform.clouds.gcp.objects.services import bigquery_of
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.system.usage import MeteredPort, NotMetered, Slots, UsageCount

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators

PROJECT, HISTORY = "acme-mesh", "history"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SALE, VIEW, OTHER = ("acme-mesh", "shop", "sale"), ("acme-mesh", "shop_views", "sale"), ("acme-mesh", "hr", "pay")
PUNCTUALITY = "punctuality@acme-mesh.iam.gserviceaccount.com"
OWN = "orders@acme-mesh.iam.gserviceaccount.com"
CONSUMERS = (
    Consumer("req-team", "technical_team", "ops/analysts", users=("ada@ops.example", "bo@ops.example")),
    Consumer("req-ada", "user", "ada@ops.example", users=("ada@ops.example",)),
    Consumer(
        "req-product",
        "data_product",
        "ops/punctuality",
        product="ops/punctuality",
        identity=CodeIdentity("google-service-account", PUNCTUALITY),
    ),
)
TABLE = [("project_id", "STRING"), ("dataset_id", "STRING"), ("table_id", "STRING")]
# https://cloud.google.com/bigquery/docs/information-schema-jobs#schema
COLUMNS: list[tuple[str, str, list[tuple[str, str]], str]] = [
    ("creation_time", "TIMESTAMP", [], "NULLABLE"),
    ("end_time", "TIMESTAMP", [], "NULLABLE"),
    ("user_email", "STRING", [], "NULLABLE"),
    ("job_type", "STRING", [], "NULLABLE"),
    ("statement_type", "STRING", [], "NULLABLE"),
    ("state", "STRING", [], "NULLABLE"),
    ("error_result", "RECORD", [("reason", "STRING")], "NULLABLE"),
    ("total_bytes_processed", "INTEGER", [], "NULLABLE"),
    ("labels", "RECORD", [("key", "STRING"), ("value", "STRING")], "REPEATED"),
    ("referenced_tables", "RECORD", TABLE, "REPEATED"),
    ("destination_table", "RECORD", TABLE, "NULLABLE"),
]


def job(user: str, minutes: float, *tables: tuple[str, str, str], **given: str) -> str:
    """A row of the history: a query that ended some minutes after noon, and took two seconds."""
    end = NOON + timedelta(minutes=minutes)
    struct = "STRUCT({} AS project_id, {} AS dataset_id, {} AS table_id)"
    read = ", ".join(struct.format(*map(repr, each)) for each in tables)
    row = {
        "creation_time": f"TIMESTAMP '{end - timedelta(seconds=2):%Y-%m-%d %H:%M:%S.%f}Z'",
        "end_time": f"TIMESTAMP '{end:%Y-%m-%d %H:%M:%S.%f}Z'",
        "user_email": repr(user),
        "job_type": "'QUERY'",
        "statement_type": "'SELECT'",
        "state": "'DONE'",
        "error_result": "NULL",
        "total_bytes_processed": "100",
        "labels": "[]",
        "referenced_tables": f"[{read}]",
        "destination_table": struct.format("'p'", "'_anonymous'", "'t'"),
        **given,
    }
    return f"({', '.join(row[name] for name, *_ in COLUMNS)})"


ROWS = [
    job("ada@ops.example", 10, SALE),
    job("ada@ops.example", 20, SALE, VIEW),
    job("ada@ops.example", 30, SALE, OTHER),  # its bytes are those of both tables
    job("ada@ops.example", 40, SALE, error_result="STRUCT('timeout' AS reason)"),
    job("ada@ops.example", 70, SALE),  # the next hour
    job("bo@ops.example", 10, VIEW),
    job(PUNCTUALITY, 10, SALE),
    job(OWN, 10, SALE),
    job("ada@ops.example", 12, SALE, labels="[STRUCT('alchemesh' AS key, 'own' AS value)]"),
    job("stranger@else.example", 10, SALE),
    job("ada@ops.example", 11, OTHER),
    job("ada@ops.example", 11, SALE, statement_type="'SCRIPT'"),  # its statements are jobs of their own
    job("ada@ops.example", 11, SALE, job_type="'EXTRACT'"),
    job("ada@ops.example", 11, SALE, state="'RUNNING'"),
    job("loader@acme.example", 11, SALE, destination_table="STRUCT('acme-mesh', 'shop', 'sale')"),
]


@pytest.fixture(scope="module")
def history(emulators: Emulators) -> Iterator[str]:
    """A table with the columns of the history, and its name."""
    emulators.address_of("bigquery")
    service = bigquery_of(emulators.variables())
    reference = {"projectId": PROJECT, "datasetId": HISTORY}
    service.make_dataset(PROJECT, {"datasetReference": reference, "location": "EU"})
    fields = [
        {
            "name": name,
            "type": kind,
            "mode": mode,
            **({"fields": [{"name": each, "type": type_} for each, type_ in parts]} if parts else {}),
        }
        for name, kind, parts, mode in COLUMNS
    ]
    service.make_table(
        PROJECT, HISTORY, {"tableReference": {**reference, "tableId": "jobs"}, "schema": {"fields": fields}}
    )
    service.query(PROJECT, f"INSERT INTO {HISTORY}.jobs VALUES {', '.join(ROWS)}")
    yield f"`{PROJECT}.{HISTORY}.jobs`"
    service.remove_dataset(PROJECT, HISTORY, with_tables=True)


def port(**given: Any) -> MeteredPort:
    tables = TablesConnection(format="bigquery", tables={"sale": "bigquery://acme-mesh/shop/sale"})
    views = DataApiConnection(sql="bigquery://acme-mesh/shop_views", tables=("sale",))
    known = {"address": "retail/orders/shop", "connection": views, "storage": tables, "consumers": CONSUMERS}
    return MeteredPort(**{**known, "own": (OWN,), "since": NOON - timedelta(days=1), **given})


def source(emulators: Emulators, history: str, **given: Any) -> JobHistory:
    of = port(**given)
    return JobHistory(of, job_history.tables_of(of), bigquery_of(emulators.variables()), history)


def by_user(counts: tuple[UsageCount, ...]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {
        (each.user, each.since.hour, each.errors, each.own): (
            each.consumer,
            each.request,
            each.requests,
            each.billable_requests,
            each.bytes_out,
            each.rows,
            each.seconds,
        )
        for each in counts
    }


def test_queries_are_counted_by_consumer_hour_and_outcome(emulators: Emulators, history: str) -> None:
    done = source(emulators, history).read(None, Slots(), NOON + timedelta(days=1))

    assert by_user(done.counts) == {
        ("ada@ops.example", 12, 0, False): ("ada@ops.example", "req-ada", 3, 3, 200, None, 6.0),
        ("ada@ops.example", 12, 1, False): ("ada@ops.example", "req-ada", 1, 0, 100, None, 2.0),
        ("ada@ops.example", 13, 0, False): ("ada@ops.example", "req-ada", 1, 1, 100, None, 2.0),
        ("ada@ops.example", 12, 0, True): ("ada@ops.example", "req-ada", 1, 0, 100, None, 2.0),
        ("bo@ops.example", 12, 0, False): ("ops/analysts", "req-team", 1, 1, 100, None, 2.0),
        (PUNCTUALITY, 12, 0, False): ("ops/punctuality", "req-product", 1, 1, 100, None, 2.0),
        (OWN, 12, 0, True): ("", None, 1, 0, 100, None, 2.0),
        ("stranger@else.example", 12, 0, False): ("", None, 1, 0, 100, None, 2.0),
    }
    assert {each.protocol for each in done.counts} == {"bigquery"}
    assert not done.more


def test_each_query_is_counted_once_by_its_end_and_readings_have_a_pause(emulators: Emulators, history: str) -> None:
    read, slots = source(emulators, history), Slots()
    first = read.read(None, slots, NOON + timedelta(minutes=20))  # up to minute 15
    soon = read.read(first.position, slots, NOON + timedelta(minutes=60))
    second = read.read(first.position, slots, NOON + timedelta(minutes=90))

    assert soon == type(soon)(first.position)
    counted = [sum(each.requests for each in done.counts if each.user == "ada@ops.example") for done in (first, second)]
    assert counted == [2, 4]
    read.keep()
    last = read.read(first.position, slots, NOON + timedelta(minutes=21))
    assert [(each.user, each.requests) for each in last.counts] == [("ada@ops.example", 1)]
    assert last.position == {"until": (NOON + timedelta(minutes=21)).timestamp()}


def test_an_hour_is_cut_where_the_version_of_the_contract_changed(emulators: Emulators, history: str) -> None:
    cut = NOON + timedelta(minutes=15)
    done = source(emulators, history).read(None, Slots([NOON - timedelta(days=9), cut]), NOON + timedelta(days=1))

    mine = [each for each in done.counts if each.user == "ada@ops.example" and not each.own and not each.errors]
    assert [(each.since, each.requests) for each in mine] == [
        (NOON, 1),
        (cut, 2),
        (NOON + timedelta(hours=1), 1),
    ]


@dataclass(frozen=True, slots=True)
class Service(BigQueryRest):
    """A BigQuery with a dataset in the EU, whose other answers are given."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def dataset(self, project: str, dataset: str) -> dict[str, Any]:
        assert (project, dataset) == ("acme-mesh", "shop_views")
        return {"location": "EU"}

    def json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        self.calls.append((f"{method} {path.removeprefix('/bigquery/v2/projects/acme-mesh/')}", body or query or {}))
        if not self.answers:
            raise Refused(403, "Access Denied: User does not have permission to query")
        return self.answers.pop(0)


def test_an_answer_of_several_pages_is_read_to_its_end() -> None:
    micros = str(round(NOON.timestamp() * 1_000_000))
    rows = [
        {"f": [{"v": each} for each in (user, "false", "false", micros, "2", "10", "4000000")]} for user in ("a", "b")
    ]
    reference = {"jobReference": {"jobId": "j1", "location": "EU"}, "jobComplete": True}
    service = Service("BigQuery", "", answers=[{**reference, "rows": rows[:1], "pageToken": "2"}, {"rows": rows[1:]}])
    of = port()
    done = JobHistory(of, job_history.tables_of(of), service, "history").read(None, Slots(), NOON + timedelta(hours=1))

    assert [(each.user, each.requests, each.seconds) for each in done.counts] == [("a", 2, 4.0), ("b", 2, 4.0)]
    (first, query), second = service.calls
    assert (first, query["maximumBytesBilled"], query["labels"]) == (
        "POST queries", str(10 * 1024**3), {"alchemesh": "own"}
    )  # fmt: skip
    assert second == ("GET queries/j1", {"location": "EU", "pageToken": "2", "maxResults": "10000"})


def test_the_setting_names_the_history_and_a_missing_right_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("BigQuery", "")
    monkeypatch.setattr(job_history, "bigquery_of", lambda _environ: service)
    for name, view in (("project", "JOBS_BY_PROJECT"), ("organization", "JOBS_BY_ORGANIZATION")):
        (read,) = METERING.sources_of(port(settings={"gcp": {"job_history": name}}, environ={}))
        with pytest.raises(Failure) as refused:
            read.read(None, Slots(), NOON)
        assert f"FROM `acme-mesh`.`region-eu`.INFORMATION_SCHEMA.{view}\n" in service.calls[-1][1]["query"]
        assert refused.value.message == (
            "the history of jobs cannot be read: Access Denied: User does not have permission to query"
        )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"environ": {}}, "settings.gcp.job_history of the platform file names no history of BigQuery's jobs"),
        ({"environ": {"BIGQUERY_EMULATOR_HOST": "x"}}, "the emulator of BigQuery has no history of jobs"),
        (
            {"connection": DataApiConnection(sql="bigquery://acme-mesh/shop_views", rest="https://api.example/api")},
            "nothing counts the requests to its REST and GraphQL",
        ),
    ],
)
def test_without_a_history_the_usage_is_unknown_with_the_reason(given: dict[str, Any], reason: str) -> None:
    settings = {"gcp": {"job_history": "organization"}} if "connection" in given else {}
    with pytest.raises(NotMetered) as unknown:
        METERING.sources_of(port(**{"environ": {}, "settings": settings, **given}))
    assert str(unknown.value) == reason
