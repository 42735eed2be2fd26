"""Tables, the views of consumers, and grants: the real engine on an emulated Google Cloud."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.bigquery_views.observe import observe
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.state.deployed import deployed_state
from alchemesh_platform.engine.urn import name_of
from alchemesh_platform.manifest.models import Protocol, SemanticModel
from alchemesh_platform.provider.loss import ALLOW_VARIABLE
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.observation import Observation

from .harness import PLACE, PROJECT, Cloud, cloud_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SETTINGS = Settings.model_validate({"gcp": {"project": PROJECT, "region": "europe-west1"}})
SQL: tuple[Protocol, ...] = ("sql",)
BO = Consumer("r-1", "user", "bo@acme.example", users=("bo@acme.example",))
DESK = Consumer("r-2", "technical_team", "operations/desk", users=("bo@acme.example", "cy@acme.example"))
PORT = [
    "code-account",
    "flights-table-proxy-dataset",
    "flights-table-proxy-flight",
    "flights-table-proxy-flight-authorisation",
    "flights-table-storage-code",
    "flights-table-storage-dataset",
    "flights-table-storage-flight",
    "flights-table-storage-flight-schema",
]
FLIGHT = {"flight_id": {"type": "string", "required": True}, "delay": {"type": "integer"}}


@pytest.fixture
def cloud(tmp_path: Path, engine: Engine, emulators: Emulators) -> Iterator[Cloud]:
    with cloud_in(tmp_path, engine, emulators) as made:
        yield made


def flights(
    *consumers: Consumer,
    properties: dict[str, Any] | None = None,
    keep: bool = False,
    settings: Settings = SETTINGS,
    **args: Any,
) -> Callable[[], None]:
    """A program with one output port: tables, views, and grants of the code and of consumers."""

    def declare() -> None:
        from alchemesh_components.infrastructure.service_identity.component import ServiceIdentity
        from alchemesh_components.infrastructure.service_identity.models import Args as IdentityArgs
        from alchemesh_components.output_ports.bigquery_table.component import BigQueryTables
        from alchemesh_components.output_ports.bigquery_table.models import Args as TableArgs
        from alchemesh_components.output_ports.bigquery_views.component import BigQueryViews
        from alchemesh_components.output_ports.bigquery_views.models import Args as ViewArgs

        models = {"flight": SemanticModel.model_validate({"properties": properties or FLIGHT})}
        place = dataclasses.replace(PLACE, port="flights-table", models=models, protocols=SQL)
        tables = BigQueryTables("flights-table-storage", TableArgs(keep_on_destroy=keep, **args), settings, place)
        account = ServiceIdentity("code", IdentityArgs(), settings, dataclasses.replace(PLACE, port="code"))
        tables.admit(CodeIdentity(GOOGLE_SERVICE_ACCOUNT, account.email))
        shown = dataclasses.replace(place, storage=tables.outputs)
        views = BigQueryViews("flights-table-proxy", ViewArgs(), settings, shown)
        for consumer in consumers:
            views.grant(consumer)

    return declare


def test_a_port_is_deployed_and_a_second_run_changes_nothing(cloud: Cloud) -> None:
    made = cloud.done("up", flights())
    assert made == {"create": PORT}
    assert cloud.done("up", flights()) == {}


def test_a_grant_adds_its_own_entries_and_removes_no_others(cloud: Cloud) -> None:
    """Bo has access by his own grant and as a member of the desk: the end of one request must not end the other."""
    cloud.done("up", flights())
    by_desk = [
        "flights-table-proxy-user-bo-acme-example-r-2",
        "flights-table-proxy-user-cy-acme-example-r-2",
    ]
    assert cloud.done("up", flights(BO)) == {"create": ["flights-table-proxy-user-bo-acme-example-r-1"]}
    assert cloud.done("up", flights(BO, DESK)) == {"create": by_desk}
    views = "prod__aviation__flights__flights_table__views"
    connection = DataApiConnection(sql=f"bigquery://{PROJECT}/{views}", tables=("flight",))
    environ = {"BIGQUERY_EMULATOR_HOST": cloud.world.address_of("bigquery")}
    for consumer in (None, "bo@acme.example"):
        assert observe(connection, environ, consumer) == Observation("healthy")
    assert observe(connection, environ, "di@acme.example") == Observation(
        "unhealthy", f"the access list of dataset {views} has no current entry for di@acme.example"
    )
    more = connection.model_copy(update={"tables": ("flight", "airport")})
    assert observe(more, environ) == Observation("unhealthy", "no view for airport")
    assert observe(connection.model_copy(update={"sql": None}), environ) is None
    assert cloud.done("up", flights(DESK)) == {"delete": ["flights-table-proxy-user-bo-acme-example-r-1"]}
    assert cloud.done("refresh") == {"refresh": sorted([*PORT, *by_desk])}
    assert cloud.done("up", flights(DESK)) == {}


def test_access_is_extended_and_renewed_without_a_gap(cloud: Cloud) -> None:
    """BigQuery allows one access entry for each member: it once refused a new end or a second request."""
    first = dataclasses.replace(BO, ends_at=datetime(2030, 1, 1, tzinfo=UTC))
    longer = dataclasses.replace(BO, ends_at=datetime(2031, 1, 1, tzinfo=UTC))
    renewed = dataclasses.replace(longer, request="r-9")
    grant = "flights-table-proxy-user-bo-acme-example-r-1"
    cloud.done("up", flights(first))
    steps = cloud.done("up", flights(longer))
    assert steps["create-replacement"] == [grant]
    assert list(steps).index("create-replacement") < list(steps).index("delete-replaced")
    assert cloud.done("up", flights(longer, renewed)) == {"create": ["flights-table-proxy-user-bo-acme-example-r-9"]}
    assert cloud.done("up", flights(renewed)) == {"delete": [grant]}
    found = cloud.world.bigquery().dataset(PROJECT, "prod__aviation__flights__flights_table__views")
    assert found is not None
    entries = [entry for entry in found["access"] if entry.get("userByEmail") == "bo@acme.example"]
    assert [entry["condition"]["expression"] for entry in entries] == [
        'request.time < timestamp("2031-01-01T00:00:00Z")'
    ]


def test_a_re_created_table_is_still_visible_to_consumers(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The view and its right to the table's dataset stay, or are re-created."""
    cloud.done("up", flights(BO, on_incompatible_change="replace"))
    other = {"flight_id": {"type": "integer", "required": True}, "gate": {"type": "string", "required": True}}
    again = flights(BO, properties=other, on_incompatible_change="replace")
    assert "is re-created, without its rows" in cloud.refused("up", again)
    monkeypatch.setenv(ALLOW_VARIABLE, "flights-table")
    cloud.done("up", again)
    service = cloud.world.bigquery()
    dataset, views = "prod__aviation__flights__flights_table", "prod__aviation__flights__flights_table__views"
    service.query(PROJECT, f"INSERT INTO {dataset}.flight (flight_id, gate) VALUES (7, 'B')")
    assert service.query(PROJECT, f"SELECT * FROM {views}.flight") == [["7", "B"]]
    source = service.dataset(PROJECT, dataset)
    assert source is not None
    view = {"projectId": PROJECT, "datasetId": views, "tableId": "flight"}
    assert [entry for entry in source["access"] if "view" in entry] == [{"view": view}]
    assert cloud.done("up", flights(BO, properties=other, on_incompatible_change="replace")) == {}


def test_datasets_without_retained_data_move_to_another_location(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset's id is in use until the dataset is deleted, and the provider creates the new one first by default."""
    cloud.done("up", flights(BO, on_incompatible_change="replace"))
    moved = SETTINGS.model_copy(update={"gcp": SETTINGS.gcp.model_copy(update={"bigquery_location": "EU"})})
    monkeypatch.setenv(ALLOW_VARIABLE, "flights-table")
    cloud.done("up", flights(BO, settings=moved, on_incompatible_change="replace"))
    for name in ("", "__views"):
        found = cloud.world.bigquery().dataset(PROJECT, f"prod__aviation__flights__flights_table{name}")
        assert found is not None
        assert found["location"] == "EU"
    assert cloud.done("up", flights(BO, settings=moved, on_incompatible_change="replace")) == {}


def test_a_compatible_model_updates_the_table_in_place(cloud: Cloud) -> None:
    cloud.done("up", flights())
    wider = {"flight_id": {"type": "string"}, "delay": {"type": "integer"}, "tail_number": {"type": "string"}}
    assert cloud.done("up", flights(properties=wider)) == {
        "update": ["flights-table-proxy-flight", "flights-table-storage-flight", "flights-table-storage-flight-schema"]
    }


def test_a_preview_refuses_an_incompatible_model_and_nothing_runs(cloud: Cloud) -> None:
    cloud.done("up", flights())
    other = {"flight_id": {"type": "integer", "required": True}, "delay": {"type": "integer"}}
    for operation in ("preview", "up"):
        words = cloud.refused(operation, flights(properties=other))  # type: ignore[arg-type]
        assert "its type would change from string to integer" in words
    assert cloud.done("up", flights()) == {}


def test_destroy_retains_tables_unless_data_deletion_is_requested(cloud: Cloud) -> None:
    cloud.done("up", flights(keep=True))
    cloud.done("destroy")
    dataset = "prod__aviation__flights__flights_table"
    table = cloud.world.bigquery().table(PROJECT, dataset, "flight")
    assert table is not None
    assert [field["name"] for field in table["schema"]["fields"]] == ["flight_id", "delay"]


def test_a_name_at_the_limit_of_every_service_is_created(cloud: Cloud) -> None:
    from alchemesh_components.infrastructure.gcs_bucket.component import GcsBucket
    from alchemesh_components.infrastructure.gcs_bucket.models import Args

    long = dataclasses.replace(PLACE, domain="d" * 63, product="p" * 63, port="n" * 63)
    made = cloud.done("up", lambda: GcsBucket("thing", Args(), SETTINGS, long))
    assert made == {"create": ["thing-bucket"]}


def test_consumers_get_access_to_a_table_after_the_code(cloud: Cloud) -> None:
    """Google's provider writes the whole list for each of them, and two concurrent writes could undo one another."""

    def declare() -> None:
        from alchemesh_components.infrastructure.service_identity.component import ServiceIdentity
        from alchemesh_components.infrastructure.service_identity.models import Args as IdentityArgs
        from alchemesh_components.output_ports.bigquery_table.component import BigQueryTables
        from alchemesh_components.output_ports.bigquery_table.models import Args as TableArgs

        models = {"flight": SemanticModel.model_validate({"properties": FLIGHT})}
        place = dataclasses.replace(PLACE, port="flights-table", models=models)
        tables = BigQueryTables("flights-table-storage", TableArgs(), SETTINGS, place)
        account = ServiceIdentity("code", IdentityArgs(), SETTINGS, dataclasses.replace(PLACE, port="code"))
        tables.admit(CodeIdentity(GOOGLE_SERVICE_ACCOUNT, account.email))
        tables.grant(BO)

    cloud.done("up", declare)
    resources = deployed_state(cloud.engine, cloud.stack)["resources"]
    (grant,) = (each for each in resources if each["type"] == "gcp:bigquery/datasetIamMember:DatasetIamMember")
    assert [name_of(urn) for urn in grant["dependencies"]].count("flights-table-storage-code") == 1
