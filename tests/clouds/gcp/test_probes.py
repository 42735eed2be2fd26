"""Probes of ports on Google Cloud: tables, views and buckets of the emulators, and refusals of the probe's account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from alchemesh_platform.clouds.gcp import probes
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.objects.services import SignInFailed, bigquery_of, storage_of
from alchemesh_platform.observed.probing import Prober, ProbeResult, Target, installed_probes
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.tables import TablesConnection
from alchemesh_platform.sdk.probes.probe import ProbedPort
from alchemesh_platform.systems.kafka.connections import TopicConnection

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators

PROJECT, DATASET, BUCKET = "acme-mesh", "probed", "acme-probed"
API = DataApiConnection(sql=f"bigquery://{PROJECT}/{DATASET}", tables=("sale",))


@pytest.fixture(scope="module")
def environ(emulators: Emulators) -> Iterator[dict[str, str]]:
    """An emulated BigQuery with one table, and a bucket."""
    for service in ("bigquery", "storage"):
        emulators.address_of(service)
    variables = emulators.variables()
    warehouse, storage = bigquery_of(variables), storage_of(variables)
    warehouse.make_dataset(PROJECT, {"datasetReference": {"projectId": PROJECT, "datasetId": DATASET}})
    reference = {"projectId": PROJECT, "datasetId": DATASET, "tableId": "sale"}
    schema = {"fields": [{"name": "id", "type": "STRING"}]}
    warehouse.make_table(PROJECT, DATASET, {"tableReference": reference, "schema": schema})
    storage.make_bucket(PROJECT, BUCKET, "EU")
    yield variables
    storage.remove_bucket(BUCKET)
    warehouse.remove_dataset(PROJECT, DATASET, with_tables=True)


def probed(connection: Any, environ: dict[str, str], *protocols: str) -> list[ProbeResult]:
    port = ProbedPort(address="shop/orders/sales", connection=connection, models=("sale",), environ=environ)
    return Prober().probe([Target(port, protocols)])


def tables(table: str) -> TablesConnection:
    return TablesConnection(format="bigquery", tables={"sale": f"bigquery://{PROJECT}/{DATASET}/{table}"})


def test_a_table_a_view_and_a_bucket_answer(environ: dict[str, str]) -> None:
    found = [
        *probed(tables("sale"), environ),
        *probed(API, environ, "sql"),
        *probed(FilesConnection(url=f"gs://{BUCKET}/sales"), environ),
    ]
    assert [(each.protocol, each.outcome, each.reason) for each in found] == [
        ("bigquery", "up", ""),
        ("sql", "up", ""),
        ("files", "up", ""),
    ]


def test_a_table_and_a_bucket_that_are_gone_are_down(environ: dict[str, str]) -> None:
    for connection in (tables("gone"), FilesConnection(url="gs://acme-gone/sales")):
        (found,) = probed(connection, environ)
        assert found.outcome == "down"
        assert found.reason


@pytest.mark.parametrize(("status", "outcome"), [(401, "unknown"), (403, "unknown"), (429, "unknown"), (503, "down")])
def test_a_refusal_of_the_account_says_nothing_about_the_port(
    monkeypatch: pytest.MonkeyPatch, status: int, outcome: str
) -> None:
    class Refusing:
        def bounded(self, *_arguments: object, **_options: object) -> None:
            raise Refused(status, "not now")

    monkeypatch.setattr(probes, "bigquery_of", lambda _environ: Refusing())
    monkeypatch.setattr(probes, "access_token", lambda: "token")
    (found,) = probed(API, {}, "sql")
    assert (found.outcome, found.reason.endswith("not now")) == (outcome, True)


def test_without_credentials_every_port_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise SignInFailed("Google Cloud: no credentials")

    monkeypatch.setattr(probes, "access_token", refuse)
    topics = TopicConnection(broker="pubsub", topics={"sale": f"projects/{PROJECT}/topics/sales"})
    for connection in (tables("sale"), API, FilesConnection(url=f"gs://{BUCKET}/sales"), topics):
        (found,) = probed(connection, {})
        assert (found.outcome, found.reason) == ("unknown", "Google Cloud: no credentials")


def test_rest_on_cloud_run_is_asked_with_an_identity_token_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.oauth2 import id_token

    asked: list[str] = []

    def fetched(_request: object, audience: str) -> str:
        asked.append(audience)
        return "a-token"

    given: list[tuple[str, str, Any]] = []
    monkeypatch.setattr(id_token, "fetch_id_token", fetched)
    monkeypatch.setattr(probes, "rest_question", lambda *found: given.append(found) or (lambda _seconds: None))
    api = DataApiConnection(rest="https://sales-abc.a.run.app/api", tables=("sale",))
    (found,) = probed(api, {}, "rest")

    assert found.outcome == "up"
    assert asked == ["https://sales-abc.a.run.app"]
    assert given == [("https://sales-abc.a.run.app/api", "sale", {"Authorization": "Bearer a-token"})]
    assert {"tables/bigquery", "data-api/bigquery", "data-api/https", "files/gs", "topic/pubsub"} <= set(
        installed_probes()
    )
