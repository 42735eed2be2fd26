"""The component kafka-nifi-gcs: its users, its names, its checks and its health."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from alchemesh_components.input_ports.kafka_nifi_gcs.check import check
from alchemesh_components.input_ports.kafka_nifi_gcs.models import Args, Settings
from alchemesh_components.input_ports.kafka_nifi_gcs.observe import observe
from alchemesh_components.input_ports.kafka_nifi_gcs.spec import SPEC
from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.nifi import server
from tests.components.recorder import Recorder
from tests.systems.nifi.simulated.constructed import ConstructedNifi, constructed

DATAFLOW = "alchemesh:nifi:Dataflow"
KEY = "projects/acme/locations/us-east1/keyRings/mesh/cryptoKeys/storage"


def settings(*, create_users: bool = False, **gcp: Any) -> Settings:
    security = {"mechanism": "SCRAM-SHA-512", "username": "platform", "password": {"secret": "KAFKA_PASSWORD"}}
    return Settings.model_validate(
        {
            "gcp": {"project": "acme-mesh", "region": "europe-west1", **gcp},
            "kafka": {"bootstrap_servers": ["kafka:9093"], "security": security, "create_users": create_users},
            "nifi": {"url": "https://nifi.example/nifi-api"},
        }
    )


def declared(given: Settings, wiring: Wiring) -> list[dict[str, Any]]:
    """The resources that the component declares."""
    recorder = Recorder({DATAFLOW: {"groupId": "g"}, "gcp:serviceaccount/key:Key": {"privateKey": "e30="}})
    pulumi.runtime.set_mocks(recorder, project="aviation.flights", stack="prod")

    @pulumi.runtime.test
    def declare() -> pulumi.Output[Any]:
        component = SPEC.component_class()("departures", Args(topic="ops.departures"), given, wiring)
        return pulumi.Output.from_input(dict(component.outputs))

    declare()
    return recorder.declared


def of_type(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [resource["inputs"] for resource in found if resource["type"] == kind]


def said(args: Args, given: Settings | None = None) -> list[tuple[tuple[str | int, ...], str]]:
    return [(one.path, one.message) for one in check(args, given or settings(), Wiring())]


def test_a_dedicated_user_has_a_secret_password_that_nifi_receives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "the-platforms-own")
    wiring = Wiring(environment="prod", domain="aviation", product="flights", port="departures")
    found = declared(settings(create_users=True), wiring)
    (user,) = of_type(found, "kafka:index/userScramCredential:UserScramCredential")
    assert user["username"] == "prod.aviation.flights.departures"
    (dataflow,) = of_type(found, DATAFLOW)
    sensitive = dataflow["sensitiveParameters"]["value"]  # the engine's form of a secret
    assert sensitive["kafka.password"] == user["password"]["value"]
    assert len(sensitive["kafka.password"]) >= 32
    assert dataflow["parameters"]["kafka.username"] == user["username"]
    acls = of_type(found, "kafka:index/acl:Acl")
    assert {(acl["aclResourceType"], acl["aclResourceName"], acl["aclOperation"]) for acl in acls} == {
        ("Topic", "ops.departures", "Read"),
        ("Group", "prod.aviation.flights.departures", "Read"),
    }


def test_dataflows_without_dedicated_users_reference_the_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "the-platforms-own")
    found = declared(settings(), Wiring(environment="prod"))
    assert of_type(found, "kafka:index/userScramCredential:UserScramCredential") == []
    (dataflow,) = of_type(found, DATAFLOW)
    assert dataflow["sensitiveParameters"]["value"]["kafka.password"] == {"secret": "KAFKA_PASSWORD"}
    assert "the-platforms-own" not in str(dataflow)


def test_rights_are_those_of_the_account_behind_an_api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Confluent Cloud: the login name differs from the principal of the ACLs."""
    monkeypatch.setenv("KAFKA_PASSWORD", "the-platforms-own")
    given = settings()
    nifi = given.nifi.model_copy(update={"kafka_username": "AN-API-KEY", "kafka_principal": "sa-12ab34"})
    found = declared(given.model_copy(update={"nifi": nifi}), Wiring(environment="prod"))
    (dataflow,) = of_type(found, DATAFLOW)
    assert dataflow["parameters"]["kafka.username"] == "AN-API-KEY"
    (rights,) = of_type(found, "alchemesh:kafka:Rights")
    (group,) = of_type(found, "kafka:index/acl:Acl")
    assert (rights["user"], group["aclPrincipal"]) == ("sa-12ab34", "User:sa-12ab34")


def test_names_stay_within_their_services_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "the-platforms-own")
    longest = "a" * 63
    found = declared(settings(), Wiring(environment=longest, domain=longest, product=longest, port=longest))
    (bucket,) = of_type(found, "gcp:storage/bucket:Bucket")
    (account,) = of_type(found, "gcp:serviceaccount/account:Account")
    assert len(bucket["name"]) == 63
    assert len(account["accountId"]) == 30
    assert len(account["displayName"]) == 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic": "a" * 250},
        {"topic": "ops/departures"},
        {"topic": "t", "format": "avro"},
        {"topic": "t", "batch_time": "500ms"},
        {"topic": "t", "batch_time": "25h"},
        {"topic": "t", "batch_megabytes": 1025},
        {"topic": "t", "dead_letter": "/failed"},
        {"topic": "t", "dead_letter": "a" * 101},
        {"topic": "t", "start": "now"},
    ],
)
def test_arguments_over_a_limit_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Args.model_validate(wrong)


def test_arguments_at_a_limit_are_accepted() -> None:
    at = {"topic": "a" * 249, "batch_time": "24h", "batch_megabytes": 1024, "dead_letter": "a" * 100}
    assert said(Args.model_validate(at)) == []


def test_unsupported_arguments_are_reported_at_their_place() -> None:
    assert said(Args(topic="..")) == [(("topic",), "found '..', which Kafka does not take as a name")]
    found = said(Args.model_validate({"topic": "ops", "dead_letter": "ops/failed", "retention": "36h"}))
    assert found == [
        (("dead_letter",), "found 'ops/failed', which is in the folder of the topic's own files"),
        (("retention",), "found a time that is no number of days, expected whole days, at least 1d"),
    ]
    (key,) = said(Args(topic="ops"), settings(encryption_keys={"storage": KEY}))
    assert "us-east1" in key[1]


@pytest.fixture
def nifi() -> Iterator[ConstructedNifi]:
    with constructed() as running:
        group = {"revision": {"version": 0}, "component": {"name": "departures"}}
        running.answer("POST", "/process-groups/root/process-groups", group, None)
        yield running


def connection(url: str, group: str = "group-1") -> FilesConnection:
    return FilesConnection.model_validate({"url": "gs://landing", "fed_by": {"server": url, "group": group}})


def test_health_follows_the_state_that_nifi_reports(nifi: ConstructedNifi) -> None:
    assert observe(connection(nifi.url)).health == "unhealthy"
    gone = observe(connection(nifi.url, "another"))
    assert (gone.health, gone.reason) == ("unhealthy", f"its dataflow is gone from {nifi.url}")


def test_a_server_that_does_not_answer_is_unknown_and_not_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_FIRST_CALL_RETRIES", 1)  # without pauses
    found = observe(connection(f"http://127.0.0.1:{free_port('127.0.0.1')}/nifi-api"))
    assert (found.health, "does not answer" in found.reason) == ("unknown", True)
    assert observe(FilesConnection(url="gs://landing")).health == "unknown"
