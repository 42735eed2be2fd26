"""A consumer's view of another product's output port."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.base.remedy import commands_of, split_hint
from alchemesh_platform.connections import DataApiConnection, TopicConnection
from alchemesh_platform.provider.values import UNKNOWN
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    ContractRecord,
    PortRecord,
    RequesterKind,
    RequestStep,
)
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import grant_access, revoke_access
from alchemesh_platform.systems.local.data_api.gateway.issue import is_good
from tests.provider.wire import CheckFailed, Wire
from tests.systems.local.data_api.gateways import written_gateway

TYPE = "alchemesh:mesh:Subscription"
INPUTS = {
    "environment": "local",
    "origin": "aviation/flights/flights-table",
    "consumer": "aviation/punctuality/flights",
}
RECORDED_STORAGE = {"kind": "tables", "format": "delta", "tables": {"flight": "file:///data/flight"}, "dataset": None}
STORAGE = {**RECORDED_STORAGE, "catalog": None, "catalog_name": None, "namespace": None}
PROXY = {
    "kind": "data-api",
    "sql": "postgresql://127.0.0.1:5433",
    "rest": None,
    "graphql": None,
    "tables": ["flight"],
    "credential_file": None,
}


def deploy(wire: Wire, *, proxy: bool, version: str | None = None) -> None:
    """Record the origin as its own deployment would."""
    wire.registry.put(
        PortRecord(
            environment="local",
            address=INPUTS["origin"],
            product="aviation/flights",
            direction="output",
            connections={"storage": STORAGE, "proxy": PROXY if proxy else None},
        )
    )
    if version is not None:
        wire.registry.put(
            ContractRecord(
                environment="local",
                address=INPUTS["origin"],
                product="aviation/flights",
                version=version,
                lifecycle="active",
                access="public",
                document={},
            )
        )


def test_a_consumer_gets_the_proxy_of_a_port(wire: Wire) -> None:
    deploy(wire, proxy=True, version="2.0.0")
    made = wire.create(TYPE, INPUTS)
    assert made.id == "local:aviation/punctuality/flights <- aviation/flights/flights-table"
    assert made.state["connections"] == {"storage": None, "proxy": PROXY}
    assert made.state["contractVersion"] == "2.0.0"


def test_a_consumer_gets_the_storage_of_a_port_without_a_proxy(wire: Wire) -> None:
    deploy(wire, proxy=False)
    made = wire.create(TYPE, INPUTS)
    assert made.state["connections"] == {"storage": STORAGE, "proxy": None}
    assert made.state["contractVersion"] == ""


def test_a_preview_knows_the_connections(wire: Wire) -> None:
    deploy(wire, proxy=True)
    assert wire.preview(TYPE, INPUTS)["connections"]["proxy"] == PROXY
    assert wire.preview(TYPE, {**INPUTS, "origin": UNKNOWN})["connections"] is UNKNOWN


def test_a_preview_names_an_undeployed_product_with_the_command(wire: Wire) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.check(TYPE, INPUTS)
    sentence, hint = split_hint(refused.value.failures["origin"])
    assert sentence == "aviation/flights is not deployed in environment 'local'"
    assert hint == "deploy it first: `alchemesh up -e local` in its folder"
    assert commands_of(hint) == [["alchemesh", "up", "-e", "local"]]
    assert refused.value.failures.keys() == {"origin"}


def test_an_unknown_port_is_reported_with_the_existing_ports(wire: Wire) -> None:
    deploy(wire, proxy=True)
    with pytest.raises(CheckFailed, match="no output port 'raw'\\\\n\\\\nhint: it has aviation/flights/flights-table"):
        wire.check(TYPE, {**INPUTS, "origin": "aviation/flights/raw"})


def test_a_changed_origin_is_detected_with_its_reason(wire: Wire) -> None:
    deploy(wire, proxy=True, version="1.0.0")
    made = wire.create(TYPE, INPUTS)
    assert wire.diff(made, INPUTS).changes == provider_pb2.DiffResponse.DIFF_NONE
    deploy(wire, proxy=True, version="2.0.0")
    answer = wire.diff(made, INPUTS)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.detailedDiff) == ["contractVersion"]
    assert wire.engine.messages() == ["the contract of aviation/flights/flights-table went from 1.0.0 to 2.0.0"]
    made = wire.update(made, INPUTS)
    deploy(wire, proxy=False)
    assert list(wire.diff(made, INPUTS).detailedDiff) == ["connections"]
    assert wire.update(made, INPUTS).state["connections"]["storage"] == STORAGE


def test_fields_that_a_later_version_adds_to_a_connection_are_no_change(wire: Wire) -> None:
    deploy(wire, proxy=False)
    made = wire.create(TYPE, INPUTS)
    earlier = replace(made, state={**made.state, "connections": {"storage": RECORDED_STORAGE, "proxy": None}})
    assert wire.diff(earlier, INPUTS).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_refresh_removes_a_subscription_whose_origin_was_removed(wire: Wire) -> None:
    deploy(wire, proxy=True)
    made = wire.create(TYPE, INPUTS)
    assert wire.read(made) == made
    wire.registry.remove(PortRecord, "local", INPUTS["origin"])
    assert wire.read(made) is None
    wire.delete(made)


def guarded(wire: Wire, folder: Path) -> Gateway:
    """The origin's data API requires a credential."""
    gateway = written_gateway(folder / "flights")
    proxy = {**PROXY, "credential_file": str(gateway.folder / "owner.credential.json")}
    deploy(wire, proxy=True)
    port = wire.registry.get(PortRecord, "local", INPUTS["origin"])
    assert port is not None
    wire.registry.put(port.model_copy(update={"connections": {"storage": STORAGE, "proxy": proxy}}))
    return gateway


def grant(wire: Wire, gateway: Gateway, kind: RequesterKind, requester: str, request: str = "req-1") -> None:
    """A granted request, and the entry of its grant at the gateway."""
    step = RequestStep(state="granted", at=datetime.now(UTC), by="amelia@airport.example")
    wire.registry.put(
        AccessRequestRecord(
            environment="local",
            address=request,
            product="aviation/flights",
            port=INPUTS["origin"],
            requester_kind=kind,
            requester=requester,
            purpose="punctuality",
            state="granted",
            steps=(step,),
        )
    )
    grant_access(gateway, consumer=requester, request=request)


@pytest.mark.parametrize(
    ("kind", "requester"),
    [
        ("data_product", "aviation/punctuality"),
        ("technical_team", "aviation/desk"),
        ("data_domain", "aviation"),
    ],
)
def test_a_granted_consumer_keeps_a_credential_of_its_own(
    wire: Wire, tmp_path: Path, kind: RequesterKind, requester: str
) -> None:
    gateway = guarded(wire, tmp_path)
    grant(wire, gateway, kind, requester)
    inputs = {**INPUTS, "team": "desk", "runDirectory": str(tmp_path / "punctuality")}
    file = tmp_path / "punctuality" / "flights.credential.json"
    made = wire.create(TYPE, inputs)
    assert made.state["connections"]["proxy"]["credential_file"] == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert is_good(gateway, file)
    api = DataApiConnection.model_validate(made.state["connections"]["proxy"])
    assert api.credential.password not in str(made)
    assert (
        api.dsn()
        == f"postgresql://{api.credential.user}:{api.credential.password}@127.0.0.1:5433/{api.credential.user}"
    )
    kept = file.read_text()
    assert wire.diff(made, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    wire.update(made, inputs)
    assert file.read_text() == kept

    file.unlink()
    assert list(wire.diff(made, inputs).detailedDiff) == ["connections"]
    wire.update(made, inputs)
    assert is_good(gateway, file)

    revoke_access(gateway, "req-1")
    assert not is_good(gateway, file)
    wire.delete(made)
    assert not file.exists()


def test_only_a_granted_consumer_gets_a_credential(wire: Wire, tmp_path: Path) -> None:
    gateway = guarded(wire, tmp_path)
    grant(wire, gateway, "data_product", "aviation/somebody-else")
    grant(wire, gateway, "technical_team", "aviation/others", "req-2")
    with pytest.raises(grpc.RpcError) as refused:
        wire.create(TYPE, {**INPUTS, "team": "desk", "runDirectory": str(tmp_path / "punctuality")})
    assert "aviation/punctuality may not read aviation/flights/flights-table" in refused.value.details()
    assert "`alchemesh access request aviation/flights/flights-table" in refused.value.details()
    assert not (tmp_path / "punctuality").exists()


def test_a_product_reads_its_own_port_with_its_own_credential(wire: Wire, tmp_path: Path) -> None:
    gateway = guarded(wire, tmp_path)
    made = wire.create(TYPE, {**INPUTS, "consumer": "aviation/flights/again", "runDirectory": str(tmp_path / "run")})
    file = made.state["connections"]["proxy"]["credential_file"]
    assert file == str(gateway.folder / "owner.credential.json")
    wire.delete(made)
    assert Path(file).exists()


TOPICS = {
    "kind": "topic",
    "broker": "kafka",
    "servers": ["kafka:9093"],
    "topics": {"flight": "aviation.flights.events.flight"},
    "security": {
        "protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-256",
        "username": "platform",
        "password": {"secret": "KAFKA_PASSWORD"},
        "ca": "/etc/kafka/ca.pem",
    },
}


@pytest.mark.parametrize(
    ("kind", "requester", "issues", "signs_in"),
    [
        ("data_product", "aviation/punctuality", True, ("SCRAM-SHA-512", "aviation.punctuality.9456bdfa")),
        ("data_product", "aviation/punctuality", False, ("SCRAM-SHA-256", "aviation.punctuality")),
        ("technical_team", "aviation/desk", False, ("SCRAM-SHA-256", "aviation.desk")),
        ("data_domain", "aviation", False, ("SCRAM-SHA-256", "aviation.desk")),
    ],
)
def test_a_consumer_of_topics_signs_in_as_itself_and_never_as_the_platform(
    wire: Wire, tmp_path: Path, kind: RequesterKind, requester: str, issues: bool, signs_in: tuple[str, str]
) -> None:
    """On platforms that create no users, consumers once got the platform's own, which has every right."""
    deploy(wire, proxy=False)
    port = wire.registry.get(PortRecord, "local", INPUTS["origin"])
    assert port is not None
    storage = {**TOPICS, "issues_credentials": issues}
    wire.registry.put(port.model_copy(update={"connections": {"storage": storage, "proxy": None}}))
    grant(wire, written_gateway(tmp_path / "unused"), kind, requester)
    made = wire.create(TYPE, {**INPUTS, "team": "desk"})
    mechanism, user = signs_in
    assert made.state["connections"]["storage"]["security"] == {
        "protocol": "SASL_SSL",
        "mechanism": mechanism,
        "username": user,
        "password": {"secret": "FLIGHTS_PASSWORD"},
        "ca": "/etc/kafka/ca.pem",
    }
    client = TopicConnection.model_validate(made.state["connections"]["storage"]).client({"FLIGHTS_PASSWORD": "own"})
    assert (client["sasl.username"], client["sasl.password"]) == (user, "own")
