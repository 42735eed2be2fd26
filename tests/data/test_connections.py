"""Connections of code: from a file on a laptop, from the variable itself in a cloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alchemesh_platform.connections import (
    CONNECTIONS_VARIABLE,
    NotConnected,
    TablesConnection,
    WrongConnection,
    connection_of,
    connections,
)

DOCUMENT = {
    "product": "aviation/flights",
    "environment": "prod",
    "inputs": {"departures": {"storage": {"kind": "files", "url": "gs://acme-departures", "format": "csv"}}},
    "outputs": {
        "flights-table": {
            "storage": {"kind": "tables", "format": "bigquery", "tables": {"flight": "bigquery://acme/flights/flight"}},
            "proxy": {"kind": "data-api", "sql": "bigquery://acme/flights__views", "tables": ["flight"]},
        },
        "events": {
            "storage": {"kind": "topic", "broker": "pubsub", "topics": {"flight": "projects/acme/topics/flight"}},
            "proxy": None,
        },
    },
    "infrastructure": {
        "api-token": {"storage": {"kind": "secret", "name": "projects/acme/secrets/token"}},
        "scratch": {
            "storage": {"kind": "tables", "format": "bigquery", "tables": {}, "dataset": "bigquery://acme/scratch"}
        },
    },
}


@pytest.mark.parametrize("in_file", [True, False])
def test_code_sees_the_same_from_a_file_and_from_the_variable(tmp_path: Path, in_file: bool) -> None:
    text = json.dumps(DOCUMENT)
    (tmp_path / "connections.json").write_text(text, "utf-8")
    here = connections({CONNECTIONS_VARIABLE: str(tmp_path / "connections.json") if in_file else text})
    assert here.input("departures").files.url == "gs://acme-departures"
    assert here.output("flights-table").tables.table_id("flight") == "acme.flights.flight"
    assert here.output("flights-table").data_api.sql == "bigquery://acme/flights__views"
    assert here.output("events").topics.topics["flight"] == "projects/acme/topics/flight"
    assert here.need("scratch").tables.dataset == "bigquery://acme/scratch"
    assert here.environ()["ALCHEMESH_NEED_API_TOKEN_NAME"] == "projects/acme/secrets/token"


def test_an_invalid_document_is_reported_without_repeating_it() -> None:
    with pytest.raises(NotConnected) as reported:
        connections({CONNECTIONS_VARIABLE: '{"product": 1}'})
    assert f"cannot read the connections in {CONNECTIONS_VARIABLE}" in str(reported.value)


def test_cloud_tables_have_no_path_and_local_tables_have_no_table_id() -> None:
    cloud = TablesConnection(format="bigquery", tables={"flight": "bigquery://acme/flights/flight"})
    laptop = TablesConnection(format="delta", tables={"flight": "file:///data/flight"})
    with pytest.raises(WrongConnection, match="not on this machine"):
        cloud.path("flight")
    with pytest.raises(WrongConnection, match="no table of BigQuery"):
        laptop.table_id("flight")
    with pytest.raises(WrongConnection, match="there are flight"):
        cloud.table_id("fligth")


def test_every_kind_of_connection_is_recognised_by_its_outputs() -> None:
    assert connection_of({"kind": "identity", "email": "a@b.iam.gserviceaccount.com"}).kind == "identity"
