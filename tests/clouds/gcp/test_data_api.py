"""A port with REST and GraphQL on Google Cloud, deployed by the real engine, and read by its consumers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alchemesh_components.gcp.settings import Settings
from alchemesh_platform import __version__
from alchemesh_platform.clouds.gcp.data_api.image import NAME
from alchemesh_platform.clouds.gcp.emulation.identity_tokens import identity_token
from alchemesh_platform.clouds.gcp.emulation.servers.cloud_run import RUN_SERVICE
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.events import Diagnostic
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.sdk.consumer import Consumer
from tests.waiting import until

from .harness import PLACE, PROJECT, Cloud, cloud_in

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SETTINGS = Settings.model_validate({"gcp": {"project": PROJECT, "region": "europe-west1", "bigquery_location": "EU"}})
BO = Consumer("r-1", "user", "bo@acme.example", users=("bo@acme.example",))
FLIGHT = {
    "flight_id": {"type": "string", "key": True, "required": True},
    "seats": {"type": "integer"},
    "fare": {"type": "number", "precision": 10, "scale": 2},
    "departed_at": {"type": "timestamp"},
    "legs": {"type": "array", "items": {"type": "object", "properties": {"miles": {"type": "integer"}}}},
}
TABLE = f"`{PROJECT}.prod__aviation__flights__flights_table.flight`"


@pytest.fixture
def cloud(tmp_path: Path, engine: Engine, emulators: Emulators) -> Iterator[Cloud]:
    with cloud_in(tmp_path, engine, emulators) as made:
        yield made


def flights(*consumers: Consumer, settings: Settings = SETTINGS, **args: Any) -> Callable[[], None]:
    """A program with one output port over BigQuery, and grants of consumers."""

    def declare() -> None:
        from alchemesh_components.output_ports.bigquery_table.component import BigQueryTables
        from alchemesh_components.output_ports.bigquery_table.models import Args as TableArgs
        from alchemesh_components.output_ports.cloud_run_data_api.component import CloudRunDataApi
        from alchemesh_components.output_ports.cloud_run_data_api.models import Args

        models = {"flight": SemanticModel.model_validate({"properties": FLIGHT})}
        place = dataclasses.replace(PLACE, port="flights-table", models=models, protocols=("rest", "graphql"))
        tables = BigQueryTables("flights-table-storage", TableArgs(keep_on_destroy=False), settings, place)
        shown = dataclasses.replace(place, storage=tables.outputs)
        api = CloudRunDataApi("flights-table-proxy", Args.model_validate(args), settings, shown)
        for consumer in consumers:
            api.grant(consumer)

    return declare


def test_a_granted_consumer_reads_over_rest_and_graphql_until_the_grant_ends(cloud: Cloud) -> None:
    made = cloud.done("up", flights(BO))
    assert set(made["create"]) >= {
        "flights-table-proxy-identity-account",
        "flights-table-proxy-read",
        "flights-table-proxy-server",
        "flights-table-proxy-sessions",
        "flights-table-proxy-user-bo-acme-example-r-1",
    }
    assert cloud.done("up", flights(BO)) == {}
    cloud.world.bigquery().query(
        PROJECT,
        f"INSERT INTO {TABLE} VALUES ('UA1', 9007199254740993, NUMERIC '19.90', TIMESTAMP '2024-03-31 02:30:00+00', "
        "[STRUCT(760)]), ('UA2', NULL, NULL, NULL, [])",
    )
    (service,) = cloud.world.store.all(RUN_SERVICE)
    url = service.outputs["uri"]
    folder = cloud.world.store.path.parent
    headers = {"Authorization": f"Bearer {identity_token(folder, 'bo@acme.example', url)}"}
    stranger = {"Authorization": f"Bearer {identity_token(folder, 'cy@acme.example', url)}"}
    with httpx.Client(base_url=url, timeout=120) as client:
        answer = client.get("/api/tables/flight", headers=headers)
        assert answer.text == (
            '[{"flight_id":"UA1","seats":9007199254740993,"fare":19.90,"departed_at":"2024-03-31T02:30:00Z",'
            '"legs":[{"miles": 760}]},\n'
            '{"flight_id":"UA2","seats":null,"fare":null,"departed_at":null,"legs":[]}]'
        )
        query = {"query": '{ flight(filter: {fare: {gte: "19"}}) { flight_id fare seats legs } }'}
        assert client.post("/api/graphql", json=query, headers=headers).json() == {
            "data": {
                "flight": [{"flight_id": "UA1", "fare": "19.90", "seats": 9007199254740993, "legs": [{"miles": 760}]}]
            }
        }
        described = client.get("/api/openapi.json", headers=headers).json()
        assert described["info"]["title"] == "aviation/flights/flights-table"
        assert client.get("/api/tables/flight", headers=stranger).status_code == 403

        # Another setting is another revision: the next request starts an instance with it.
        assert cloud.done("up", flights(BO, memory="1Gi")) == {"update": ["flights-table-proxy-server"]}
        assert client.get("/api/tables/flight?limit=1", headers=headers).status_code == 200

        assert cloud.done("up", flights(memory="1Gi")) == {"delete": ["flights-table-proxy-user-bo-acme-example-r-1"]}
        assert client.get("/api/tables/flight", headers=headers).status_code == 403
        cloud.done("destroy")
        with pytest.raises(httpx.ConnectError):
            until(lambda: client.get("/api/tables/flight", headers=headers) is None, "nothing listens")
    assert cloud.world.store.all(RUN_SERVICE) == []


def former(*consumers: Consumer) -> Callable[[], None]:
    """The same port as a former version deployed it: roapi over an export in a bucket."""

    def declare() -> None:
        import pulumi
        from pulumi_gcp import bigquery, cloudrunv2, projects, storage

        from alchemesh_components.output_ports.bigquery_table.component import BigQueryTables
        from alchemesh_components.output_ports.bigquery_table.models import Args as TableArgs
        from alchemesh_components.output_ports.cloud_run_data_api.component import CloudRunDataApi
        from alchemesh_components.output_ports.cloud_run_data_api.models import Args

        class Former(CloudRunDataApi):
            def rights(self) -> list[pulumi.Resource]:
                name, opts, account = self.name, self.child_options, self.identity_of_server
                place = {"project": PROJECT, "location": "europe-west1"}
                bucket = storage.Bucket(
                    f"{name}-export-bucket", name="acme-mesh-export", force_destroy=True, **place, opts=opts
                )
                storage.BucketObject(f"{name}-config", bucket=bucket.name, name="roapi.yaml", content="x", opts=opts)
                bigquery.DataTransferConfig(
                    f"{name}-query-schedule",
                    **place,
                    display_name="Export",
                    data_source_id="scheduled_query",
                    params={"query": "SELECT 1"},
                    opts=opts,
                )
                role = "roles/bigquery.jobUser"
                projects.IAMMember(f"{name}-query", project=PROJECT, role=role, member=account.member, opts=opts)
                project, dataset, _ = (self.source("flight")[at] for at in range(3))
                read = bigquery.DatasetAccess(
                    f"{name}-read",
                    project=project,
                    dataset_id=dataset,
                    role="READER",
                    user_by_email=account.email,
                    opts=opts,
                )
                return [read]

            def instance(self) -> cloudrunv2.ServiceTemplateArgs:
                made = cloudrunv2.ServiceTemplateContainerArgs(image=ROAPI, args=["--config", "/data/roapi.yaml"])
                return cloudrunv2.ServiceTemplateArgs(service_account=self.identity_of_server.email, containers=[made])

        models = {"flight": SemanticModel.model_validate({"properties": FLIGHT})}
        place = dataclasses.replace(PLACE, port="flights-table", models=models, protocols=("rest", "graphql"))
        tables = BigQueryTables("flights-table-storage", TableArgs(keep_on_destroy=False), SETTINGS, place)
        shown = dataclasses.replace(place, storage=tables.outputs)
        api = Former("flights-table-proxy", Args(), SETTINGS, shown)
        for consumer in consumers:
            api.grant(consumer)

    return declare


ROAPI = "europe-west1-docker.pkg.dev/acme-mesh/prod--mirror/roapi/roapi:v0.12.7"


def test_up_replaces_roapi_and_its_export_and_keeps_grants(cloud: Cloud) -> None:
    cloud.done("up", former(BO))
    named = Settings.model_validate({"gcp": {**SETTINGS.gcp.model_dump(), "data_api_image": ROAPI}})
    changed = cloud.done("up", flights(BO, settings=named))
    export = ("config", "export-bucket", "query", "query-schedule")
    assert {op: names for op, names in changed.items() if op != "create"} == {
        "delete": [f"flights-table-proxy-{part}" for part in export],
        "update": ["flights-table-proxy-server"],
    }
    assert "flights-table-proxy-sessions" in changed["create"]
    (warned,) = {event.message for event in cloud.events if isinstance(event, Diagnostic) and "roapi" in event.message}
    current = f"europe-west1-docker.pkg.dev/{PROJECT}/prod--products/{NAME}:{__version__}"
    assert f"{ROAPI} is an image of roapi, which no longer serves REST and GraphQL: the server runs {current}" in warned
    (service,) = cloud.world.store.all(RUN_SERVICE)
    url = service.outputs["uri"]
    headers = {"Authorization": f"Bearer {identity_token(cloud.world.store.path.parent, 'bo@acme.example', url)}"}
    assert httpx.get(f"{url}/api/tables/flight", headers=headers, timeout=120).json() == []
    cloud.done("destroy")
