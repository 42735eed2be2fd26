"""Probes of a data API: a credential of their own, right answers, and each way in which a port is down."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from alchemesh_platform.machine.servers import processes
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort
from alchemesh_platform.systems.local.data_api.gateway.consumers import PROBE, locked, read_entry, write_entry
from alchemesh_platform.systems.local.data_api.gateway.files import ACCESS_LOG
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway, apply
from alchemesh_platform.systems.local.data_api.gateway.issue import PROBE_VALIDITY, credential_file, probe_credential
from alchemesh_platform.systems.local.data_api.server import DataApi, Endpoints, deploy_product
from alchemesh_platform.systems.local.probes import DATA_APIS
from tests.waiting import until

SECONDS = 20.0


@pytest.fixture
def port(endpoints: Endpoints) -> ProbedPort:
    connection = DataApiConnection(
        sql=endpoints.sql,
        rest=endpoints.rest,
        graphql=endpoints.graphql,
        tables=("flight",),
        credential_file=endpoints.credential_file,
    )
    return ProbedPort(address="aviation/flights/flights-table", connection=connection, models=("flight",))


@pytest.fixture
def stopped(api: DataApi, gateway: Gateway) -> Iterator[None]:
    """Caddy and PgBouncer do not run."""
    for process in (gateway.web, gateway.sql):
        processes.halt(api.run_directory, process)
    yield
    deploy_product(api)


def ask(port: ProbedPort, protocol: str) -> None:
    DATA_APIS.question(port, protocol)(SECONDS)


@pytest.mark.parametrize("protocol", ["sql", "rest", "graphql"])
def test_each_protocol_answers_the_probe_as_a_consumer_of_its_own(
    port: ProbedPort, gateway: Gateway, protocol: str
) -> None:
    assert DATA_APIS.protocols(port.connection) == ("sql", "rest", "graphql")
    ask(port, protocol)

    entry = read_entry(gateway.folder, PROBE)
    assert entry is not None
    assert (entry.user, entry.request, entry.by_hand) == ("probe", None, False)
    if protocol == "rest":
        log = gateway.folder / ACCESS_LOG
        until(lambda: _users(log.read_text())[-1:] == ["probe"], "the request of the probe is logged under its name")


def test_the_credential_of_a_probe_is_renewed_after_a_day(port: ProbedPort, gateway: Gateway) -> None:
    ask(port, "rest")
    file = credential_file(gateway.folder, PROBE)
    first, now = json.loads(file.read_text()), datetime.now(UTC)

    assert probe_credential(gateway, now + PROBE_VALIDITY / 2).password == first["password"]
    assert file.stat().st_mode & 0o777 == 0o600
    renewed = probe_credential(gateway, now + PROBE_VALIDITY + timedelta(seconds=1))
    assert renewed.password != first["password"]
    ask(port, "sql")
    file.write_text(json.dumps(first))
    os.utime(file)
    ask(port, "rest")  # the gateway no longer accepts what the file has, so the probe gets a new one
    assert json.loads(file.read_text())["password"] not in (first["password"], renewed.password)


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("protocol", ["sql", "rest", "graphql"])
def test_a_gateway_that_does_not_listen_is_down(port: ProbedPort, protocol: str) -> None:
    with pytest.raises(NoAnswer, match="Connection refused"):
        ask(port, protocol)


@pytest.mark.parametrize("protocol", ["sql", "rest", "graphql"])
def test_a_table_that_is_not_served_is_down(port: ProbedPort, protocol: str) -> None:
    lost = port.connection.model_copy(update={"tables": ("train",)})
    with pytest.raises(NoAnswer):
        ask(ProbedPort(address=port.address, connection=lost), protocol)


@pytest.mark.parametrize("protocol", ["sql", "rest", "graphql"])
def test_a_refused_credential_of_the_probe_says_nothing_about_the_port(
    port: ProbedPort, gateway: Gateway, protocol: str
) -> None:
    question = DATA_APIS.question(port, protocol)
    with locked(gateway.folder):
        entry = read_entry(gateway.folder, PROBE)
        assert entry is not None
        write_entry(gateway.folder, entry.without_credential())
        apply(gateway)
    with pytest.raises(NotProbed, match="the probe's own credential"):
        question(SECONDS)
    ask(port, protocol)  # the next probe has a new one


def test_a_gateway_of_another_machine_cannot_be_probed(port: ProbedPort, tmp_path: object) -> None:
    elsewhere = port.connection.model_copy(update={"credential_file": f"{tmp_path}/x.gateway/owner.credential.json"})
    with pytest.raises(NotProbed, match="the gateway of x is not on this machine"):
        ask(ProbedPort(address=port.address, connection=elsewhere), "rest")


def _users(log: str) -> list[str]:
    return [json.loads(line)["user_id"] for line in log.splitlines()]
