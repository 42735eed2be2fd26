"""Deployed resources and their health, from records and from the reports of components."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alchemesh_platform.observed.models import FreshnessStatus
from alchemesh_platform.observed.product import product_status
from alchemesh_platform.observed.summaries import product_summaries
from alchemesh_platform.registry.records import (
    AssetRecord,
    ContractRecord,
    NoticeRecord,
    PortRecord,
    ProductRecord,
    Record,
)
from alchemesh_platform.registry.store import Registry
from tests.observed.status.observers import CHANGED, SPECS, files, spec

FLIGHTS = "aviation/flights"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as opened:
        yield opened


def flights(folder: Path) -> list[Record]:
    """A product with an input, a need, code, a table behind a dead data API, and an output of files."""

    def port(name: str, direction: str, storage: str, **more: object) -> PortRecord:
        return PortRecord(
            environment="local",
            address=f"{FLIGHTS}/{name}",
            product=FLIGHTS,
            direction=direction,
            storage=storage,
            storage_type=f"type-of-{storage}",
            **more,
        )

    def asset(port_name: str, model: str) -> AssetRecord:
        return AssetRecord(
            environment="local",
            address=f"{FLIGHTS}/{port_name}/{model}",
            product=FLIGHTS,
            port=f"{FLIGHTS}/{port_name}",
            model=model,
            definition={},
        )

    return [
        ProductRecord(
            environment="local",
            address=FLIGHTS,
            team="flight-data",
            owner="amelia@airport.example",
            version="1.2.0",
            lifecycle="stable",
            description="Every departure.",
            code={
                "component": "local-python",
                "component_type": "python-job",
                "connection": {"kind": "job", "entrypoint": "flights.clean:main", "schedule": "0 * * * *"},
            },
            needs={
                "workspace": {
                    "component": "local-directory",
                    "component_type": "object-storage",
                    "connection": files(folder),
                }
            },
        ),
        port("departures", "input", "local-files", origin="aviation/dispatch", connections={"storage": files(folder)}),
        port(
            "flights-table",
            "output",
            "delta-table",
            proxy="roapi",
            proxy_type="data-api",
            models=("flight",),
            connections={
                "storage": {"kind": "tables", "format": "delta", "tables": {"flight": "file:///flight"}},
                "proxy": {"kind": "data-api", "sql": None, "rest": "http://127.0.0.1:1/api", "tables": ["flight"]},
            },
        ),
        port("raw", "output", "local-directory", connections={"storage": files(folder), "proxy": None}),
        asset("flights-table", "flight"),
        asset("raw", "raw_flight"),
        ContractRecord(
            environment="local",
            address=f"{FLIGHTS}/flights-table",
            product=FLIGHTS,
            version="2.0.0",
            lifecycle="active",
            access="restricted",
            document={"terms": {"notice_period": "90d"}},
        ),
    ]


def punctuality() -> list[Record]:
    """A product that reads a port of flights, and a port of a product that is not deployed."""
    product = "insight/punctuality"
    inputs = {"flights": f"{FLIGHTS}/flights-table", "airports": "geography/airports/table"}
    return [
        ProductRecord(
            environment="local",
            address=product,
            team="insight",
            owner="wilbur@airport.example",
            version="0.1.0",
            lifecycle="development",
        ),
        *(
            PortRecord(
                environment="local",
                address=f"{product}/{name}",
                product=product,
                direction="input",
                origin=origin,
                from_product=True,
                storage="data-product-input",
                storage_type="data-product-input",
            )
            for name, origin in inputs.items()
        ),
    ]


def test_product_has_the_health_of_its_components(registry: Registry, tmp_path: Path) -> None:
    registry.write(flights(tmp_path))
    up = registry.start_deployment("local", FLIGHTS, "up", "amelia@laptop")
    run = registry.start_deployment("local", FLIGHTS, "run", "amelia@laptop")

    status = product_status(registry, "local", FLIGHTS, SPECS)

    assert status.is_deployed
    assert (status.team, status.version, status.lifecycle) == ("flight-data", "1.2.0", "stable")
    assert status.last_deployment == up
    assert status.code is not None
    assert (status.code.health, status.code.entrypoint, status.code.runs) == (None, "flights.clean:main", (run,))
    assert (status.code.engine, status.code.time_zone) == (None, None)
    assert status.code.next_run_at is not None
    assert timedelta() < status.code.next_run_at - datetime.now(UTC) <= timedelta(hours=1)
    assert status.code.next_run_at.minute == 0
    (departures,) = status.inputs
    assert (departures.name, departures.health, departures.tables[0].name) == ("departures", "healthy", "files")
    (workspace,) = status.needs
    assert (workspace.name, workspace.health, workspace.parts[0].component) == (
        "workspace",
        "healthy",
        "local-directory",
    )


@pytest.mark.parametrize(
    ("proxy", "expected", "health"),
    [
        ("current", FreshnessStatus(promised="5m", lag_seconds=0, kept=True), "healthy"),
        ("late", FreshnessStatus(promised="5m", lag_seconds=301, kept=False), "unhealthy"),
        ("not-installed", FreshnessStatus(promised="5m"), "unknown"),
    ],
)
def test_the_promised_freshness_is_compared_with_the_measured_one(
    registry: Registry, tmp_path: Path, proxy: str, expected: FreshnessStatus, health: str
) -> None:
    def changed(record: Record) -> Record:
        if isinstance(record, ContractRecord):
            return record.model_copy(update={"document": {"service_levels": {"freshness": "5m"}}})
        if isinstance(record, PortRecord) and record.proxy is not None:
            return record.model_copy(update={"proxy": proxy})
        return record

    registry.write([changed(record) for record in flights(tmp_path)])
    table, raw = product_status(registry, "local", FLIGHTS, SPECS).outputs
    assert (table.freshness, table.health, raw.freshness) == (expected, health, None)
    if proxy == "late":
        assert table.parts[-1].reason == "consumers wait 301 s for a change, and the contract promises 5m"


def test_output_has_assets_endpoints_and_contract(registry: Registry, tmp_path: Path) -> None:
    registry.write(flights(tmp_path))

    table, raw = product_status(registry, "local", FLIGHTS, SPECS).outputs

    assert table.endpoints == {"rest": "http://127.0.0.1:1/api"}
    (flight,) = table.assets
    assert (flight.address, flight.rows, flight.size_bytes, flight.changed_at) == (
        f"{FLIGHTS}/flights-table/flight",
        336_776,
        31_200_000,
        CHANGED,
    )
    assert table.tables == ()
    assert table.contract is not None
    assert table.contract.notice_period == "90d"
    assert raw.contract is None
    assert (raw.assets[0].name, raw.assets[0].rows) == ("raw_flight", None), "unknown, and neither zero nor failed"
    assert [held.name for held in raw.tables] == ["files"]


def test_one_unhealthy_component_makes_port_and_product_unhealthy(registry: Registry, tmp_path: Path) -> None:
    registry.write(flights(tmp_path))

    status = product_status(registry, "local", FLIGHTS, SPECS)

    assert [output.health for output in status.outputs] == ["unhealthy", "healthy"]
    assert [(part.component, part.health) for part in status.outputs[0].parts] == [
        ("delta-table", "healthy"),
        ("roapi", "unhealthy"),
    ]
    assert status.outputs[0].parts[1].reason == "nothing answers at http://127.0.0.1:1/api"
    assert status.health == "unhealthy"


def test_input_from_a_product_is_as_healthy_as_the_port_that_it_reads(registry: Registry, tmp_path: Path) -> None:
    registry.write([*flights(tmp_path), *punctuality()])

    airports, of_flights = product_status(registry, "local", "insight/punctuality", SPECS).inputs

    assert of_flights.health == "unhealthy"
    assert [part.component for part in of_flights.parts] == ["delta-table", "roapi"]
    assert of_flights.tables[0].rows == 336_776
    assert airports.health == "unhealthy"
    assert airports.parts[0].reason == "geography/airports/table is not deployed in local"


def test_a_granted_input_whose_credential_no_longer_works_says_so(registry: Registry, tmp_path: Path) -> None:
    """It was `granted`, and as healthy as its provider, while the run got 401: its own credential was not tried."""
    credentials = {}
    for name in ("good", "revoked"):
        credentials[name] = tmp_path / f"{name}.json"
        credentials[name].write_text(f'{{"user": "{name}", "password": "x"}}', "utf-8")
    specs = {**SPECS, "roapi": spec("observe_with_credential")}

    def with_credential(record: Record, address: str, user: str) -> Record:
        if not isinstance(record, PortRecord) or record.address != address:
            return record
        api = {"kind": "data-api", "rest": "http://127.0.0.1:1/api", "credential_file": str(credentials[user])}
        return record.model_copy(update={"connections": {**record.connections, "proxy": api}})

    provider = [with_credential(record, f"{FLIGHTS}/flights-table", "good") for record in flights(tmp_path)]
    for user, health in (("good", "healthy"), ("revoked", "unhealthy")):
        consumer = [with_credential(record, "insight/punctuality/flights", user) for record in punctuality()]
        registry.write([*provider, *consumer])
        _, of_flights = product_status(registry, "local", "insight/punctuality", specs).inputs
        assert of_flights.health == health
    assert of_flights.parts[1].reason == "REST: 401 for revoked"


def test_a_granted_input_whose_account_lost_its_access_says_so(registry: Registry, tmp_path: Path) -> None:
    """In a cloud, the account of the reading product is its credential. Nobody looked whether it still has access."""
    specs = {**SPECS, "roapi": spec("observe_for_consumer")}
    for account, health in (("reader@acme", "healthy"), ("revoked@acme", "unhealthy")):
        registry.write([*flights(tmp_path), *punctuality()])
        product = registry.get(ProductRecord, "local", "insight/punctuality")
        assert product is not None
        registry.put(product.model_copy(update={"identity": {"kind": "google-service-account", "name": account}}))
        _, of_flights = product_status(registry, "local", "insight/punctuality", specs).inputs
        assert (of_flights.health, of_flights.parts[1].reason) == (health, f"read by {account}")
    [table, _raw] = product_status(registry, "local", FLIGHTS, specs).outputs
    assert table.parts[1].reason == "read by None", "the provider's own status is about no reader"


def test_a_table_without_rows_is_empty_and_not_healthy(registry: Registry, tmp_path: Path) -> None:
    registry.write(flights(tmp_path))
    specs = {**SPECS, "delta-table": spec("observe_empty"), "roapi": spec(None)}

    status = product_status(registry, "local", FLIGHTS, specs)

    assert (status.outputs[0].health, status.outputs[0].parts[0].reason) == ("empty", "no rows")
    assert status.health == "empty"


def test_code_whose_last_run_failed_is_unhealthy_until_a_run_succeeds(registry: Registry, tmp_path: Path) -> None:
    registry.write(flights(tmp_path))
    specs = {**SPECS, "roapi": spec(None)}
    for outcome, health in (("failed", "unhealthy"), ("succeeded", "healthy")):
        run = registry.start_deployment("local", FLIGHTS, "run", "amelia@laptop")
        registry.finish_deployment(run.id, outcome)
        status = product_status(registry, "local", FLIGHTS, specs)
        assert status.health == health
        assert status.code is not None
        assert (status.code.health == "unhealthy") == (outcome == "failed")


def test_destroyed_product_shows_its_history(registry: Registry) -> None:
    down = registry.start_deployment("local", FLIGHTS, "destroy", "amelia@laptop")

    status = product_status(registry, "local", FLIGHTS, SPECS)

    assert (status.is_deployed, status.last_deployment, status.outputs) == (False, down, ())


def test_unknown_product_has_no_status(registry: Registry) -> None:
    status = product_status(registry, "local", FLIGHTS, SPECS)

    assert (status.is_deployed, status.last_deployment) == (False, None)


def test_ports_of_a_failed_deployment_are_shown(registry: Registry, tmp_path: Path) -> None:
    registry.write([record for record in flights(tmp_path) if not isinstance(record, ProductRecord)])

    status = product_status(registry, "local", FLIGHTS, SPECS)

    assert status.is_deployed
    assert [output.name for output in status.outputs] == ["flights-table", "raw"]


def test_other_environments_do_not_mix(registry: Registry, tmp_path: Path) -> None:
    registry.write(flights(tmp_path))

    assert not product_status(registry, "prod", FLIGHTS, SPECS).is_deployed
    assert product_summaries(registry, "prod") == []


def test_status_is_one_json_document(registry: Registry, tmp_path: Path) -> None:
    registry.write(flights(tmp_path))

    status = product_status(registry, "local", FLIGHTS, SPECS)

    assert type(status).model_validate_json(status.model_dump_json()) == status


def test_summaries_count_ports_and_assets_of_each_product(registry: Registry, tmp_path: Path) -> None:
    registry.write([*flights(tmp_path), *punctuality()])
    up = registry.start_deployment("local", FLIGHTS, "up", "amelia@laptop")

    summaries = product_summaries(registry, "local")

    assert [(one.address, one.inputs, one.outputs, one.assets, one.last_deployment) for one in summaries] == [
        (FLIGHTS, 1, 2, 2, up),
        ("insight/punctuality", 2, 0, 0, None),
    ]


def test_a_notice_is_shown_at_the_port_and_at_the_input_port_that_reads_it(registry: Registry, tmp_path: Path) -> None:
    registry.write([*flights(tmp_path), *punctuality()])
    port = f"{FLIGHTS}/flights-table"
    registry.put(
        NoticeRecord(
            environment="local",
            address=f"{port}#removal@2.0.0",
            product=FLIGHTS,
            port=port,
            what="removal",
            version="2.0.0",
            given_at=CHANGED,
            period_seconds=0,
            given_by="amelia@airport.example",
            message="use flights-stream",
        )
    )

    table, raw = product_status(registry, "local", FLIGHTS, SPECS).outputs
    inputs = {each.name: each for each in product_status(registry, "local", "insight/punctuality", SPECS).inputs}

    [notice] = table.notices
    assert (notice.what, notice.passes_at) == ("removal", CHANGED + timedelta(days=90)), (
        "the period promised now counts"
    )
    assert inputs["flights"].notices == (notice,)
    assert (raw.notices, inputs["airports"].notices) == ((), ())
