"""A streaming port as a user deploys it: real engine, plugin and broker; access granted and revoked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException

from alchemesh_components.kafka.settings import Settings
from alchemesh_components.output_ports.kafka_topic.component import KafkaTopics
from alchemesh_components.output_ports.kafka_topic.models import Args
from alchemesh_components.output_ports.kafka_topic.observe import observe
from alchemesh_platform.connections import TopicConnection
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.install.plugins import get_plugins
from alchemesh_platform.engine.run.operation import Operation, run_operation
from alchemesh_platform.engine.run.result import EngineResult
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.lock import StackLock
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.provider.serve.attach import serve_provider
from alchemesh_platform.registry.records import AccessRequestRecord, RequestStep
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster, KafkaFailed
from alchemesh_platform.systems.kafka.client.rights import Right, revoke_rights
from alchemesh_platform.systems.kafka.client.users import own_user, set_password
from alchemesh_platform.systems.mesh.resources import Grant
from parts.kafka import Broker
from tests.systems.kafka.clients import access, read
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.engine]

MODEL = SemanticModel.model_validate({"properties": {"flight_id": {"type": "string", "key": True}}})
TOPIC = "aviation.flights.events.flight"
PRODUCT = Consumer("req-00000001", "data_product", "operations/punctuality", product="operations/punctuality")
RENEWED = dataclasses.replace(PRODUCT, request="req-00000003")
TEAM = Consumer("req-00000002", "technical_team", "operations/desk", ("ada@x.example",), ("operations/desk",))


@dataclass
class Port:
    """The component in a separate program, and its stack."""

    engine: Engine
    stack: Stack
    kafka: Broker
    registry: str
    create_users: bool = True

    def up(self, *consumers: Consumer, operation: Operation = "up", **args: Any) -> EngineResult:
        for consumer in consumers:
            approve(self.registry, consumer)
        settings = {**access(self.kafka), "create_users": self.create_users, "replication": 1}

        def program() -> None:
            made = KafkaTopics(
                "events",
                Args.model_validate(args),
                Settings.model_validate({"kafka": settings}),
                Wiring(domain="aviation", product="flights", port="events", models={"flight": MODEL}),
            )
            import pulumi

            for consumer in consumers:
                Grant(
                    f"events-{consumer.request}-grant",
                    environment="local",
                    address=consumer.request,
                    product="aviation/flights",
                    port="aviation/flights/events",
                    requester_kind=consumer.kind,
                    requester=consumer.address,
                    principals=made.principals(consumer),
                    opts=pulumi.ResourceOptions(depends_on=list(made.grant(consumer))),
                )

            pulumi.export("connection", made.outputs)

        return self.run(operation, program)

    def run(self, operation: Operation, program: Callable[[], object] | None = None) -> EngineResult:
        with StackLock(self.stack, report=print):
            self.stack.prepare(self.engine)
            get_plugins(["kafka"], self.engine, self.stack, report=print)
            with serve_provider(self.registry) as provider:
                return run_operation(
                    self.engine, self.stack, operation, program=program, providers={"alchemesh": provider.port}
                )

    @property
    def state(self) -> str:
        assert self.stack.state_folder is not None
        return self.stack.state_folder.file.read_text("utf-8")


def approve(registry: str, consumer: Consumer) -> None:
    """Record and approve the request of a consumer."""
    step = RequestStep(state="approved", at=datetime.now(UTC), by="ada@x.example", reason="a study")
    with Registry.open(registry) as opened:
        if opened.get(AccessRequestRecord, "local", consumer.request) is None:
            opened.put(
                AccessRequestRecord(
                    environment="local",
                    address=consumer.request,
                    product="aviation/flights",
                    port="aviation/flights/events",
                    requester_kind=consumer.kind,
                    requester=consumer.address,
                    purpose="a study",
                    state="approved",
                    steps=(step,),
                )
            )


@pytest.fixture
def port(kafka: Broker, engine: Engine, tmp_path: Path) -> Port:
    stack = Stack("aviation.flights", "dev", f"file://{tmp_path / 'state'}", tmp_path / "home")
    return Port(engine, stack, kafka, f"sqlite:///{tmp_path / 'registry.db'}")


def users_of(kafka: Broker, topic: str) -> set[str]:
    return {acl.principal.removeprefix("User:") for acl in kafka.acls() if acl.name == topic}


def test_only_a_granted_consumer_gets_access_with_its_own_user(
    port: Port, kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = port.up(PRODUCT)
    assert first.outcome == "succeeded", first.diagnostics
    kafka.produce(TOPIC, [b'{"flight_id": "AA1"}'])
    # The password is in the state, encrypted; the test sets a known one at the cluster.
    assert "ciphertext" in port.state
    product, team = own_user(PRODUCT), own_user(TEAM)
    kafka.add_user(product, "known-here")
    kafka.add_user(team, "known-too")

    def reads(user: str, password: str, group: str, topic: str = TOPIC) -> list[bytes]:
        return read(kafka, topic, 1, user=user, password=password, group=group)

    assert reads(product, "known-here", "operations.punctuality.a") == [b'{"flight_id": "AA1"}']
    (schema,) = reads(product, "known-here", "operations.punctuality.s", "alchemesh.schemas")[:1]
    assert b'"schema"' in schema
    with pytest.raises(KafkaException, match="GROUP_AUTHORIZATION_FAILED"):
        reads(product, "known-here", "another-group")
    with pytest.raises(KafkaException, match=r"(TOPIC|GROUP)_AUTHORIZATION_FAILED"):
        reads(team, "known-too", "operations.desk.a")

    both = port.up(PRODUCT, TEAM)
    assert both.outcome == "succeeded", both.diagnostics
    assert both.changes.get("update", 0) == 0, "what one consumer has does not change when another comes"
    until(lambda: users_of(kafka, TOPIC) == {product, team}, "the broker knows both")
    assert port.up(PRODUCT, TEAM).changes.keys() == {"same"}, "a password is made once"

    # A renewal: both requests of one consumer overlap, and the end of the first does not end the second.
    renewed = own_user(RENEWED)
    assert port.up(PRODUCT, TEAM, RENEWED).outcome == "succeeded"
    password = set_password(Cluster(KafkaAccess.model_validate(access(kafka))), renewed)
    assert reads(product, "known-here", "operations.punctuality.b") == [b'{"flight_id": "AA1"}']
    assert port.up(TEAM, RENEWED).outcome == "succeeded"
    until(lambda: users_of(kafka, TOPIC) == {renewed, team}, "the broker knows the renewal, and the end of the other")
    assert reads(renewed, password, "operations.punctuality.c") == [b'{"flight_id": "AA1"}']
    monkeypatch.setenv("FORMER", "known-here")
    with pytest.raises(KafkaFailed, match="refuses user"):
        Cluster(KafkaAccess.model_validate(access(kafka, user=product, secret="FORMER")))
    another = set_password(Cluster(KafkaAccess.model_validate(access(kafka))), renewed)
    assert reads(renewed, another, "operations.punctuality.e") == [b'{"flight_id": "AA1"}']
    assert port.up(TEAM, RENEWED).changes.keys() == {"same"}, "what was issued is not undone"
    assert another not in port.state
    assert port.up(TEAM).outcome == "succeeded"
    until(lambda: users_of(kafka, TOPIC) == {team}, "the broker knows the end of the renewal")
    assert kafka.password not in port.state
    assert kafka.password not in str(first)
    assert port.run("destroy").outcome == "succeeded"
    until(lambda: users_of(kafka, TOPIC) == set(), "the broker knows that all have ended")


def test_rights_of_an_existing_user_stay_while_another_request_needs_them(port: Port, kafka: Broker) -> None:
    """Kafka stores equal ACLs once: the end of one request once removed them from the other, until a refresh."""
    port.create_users = False
    user, another = "operations.punctuality", "operations.desk"
    rights = {TOPIC, "alchemesh.schemas", f"{user}."}

    def names(of: str) -> set[str]:
        return {acl.name for acl in kafka.acls() if acl.principal == f"User:{of}"}

    kafka.add_user(user, "known-here")
    first = port.up(PRODUCT, RENEWED)
    assert first.outcome == "succeeded", first.diagnostics
    assert names(user) == rights
    kafka.produce(TOPIC, [b'{"flight_id": "AA1"}'])
    ended = port.up(RENEWED, TEAM)
    assert ended.outcome == "succeeded", ended.diagnostics
    assert (names(user), names(another)) == (rights, {TOPIC, "alchemesh.schemas", f"{another}."})
    group = f"{user}.reading"
    assert read(kafka, TOPIC, 1, user=user, password="known-here", group=group) == [b'{"flight_id": "AA1"}']
    assert port.up(RENEWED, TEAM).changes.keys() == {"same"}

    revoke_rights(Cluster(KafkaAccess.model_validate(access(kafka))), [Right(user, "topic", TOPIC)])
    until(lambda: TOPIC not in names(user), "the right is gone")
    assert port.up(RENEWED, TEAM).changes.get("update") == 1, "taken away by hand, it is given again"
    until(lambda: names(user) == rights, "it is there again")

    assert port.up(TEAM).outcome == "succeeded"
    until(lambda: names(user) == set(), "nobody needs them any more")
    assert names(another) == {TOPIC, "alchemesh.schemas", f"{another}."}
    assert port.up(PRODUCT, RENEWED).outcome == "succeeded"
    assert port.run("destroy").outcome == "succeeded"
    until(lambda: names(user) | names(another) == set(), "both requests ended at once")


def test_a_deployed_topic_is_observed_and_an_unreachable_cluster_is_unknown(port: Port, kafka: Broker) -> None:
    result = port.up(partitions=3, topics={"flight": "observed"})
    assert result.outcome == "succeeded", result.diagnostics
    connection = TopicConnection.model_validate(result.outputs["connection"])
    kafka.produce("observed", [b"{}"] * 5)
    found = observe(connection)
    assert (found.health, found.tables["flight"].rows) == ("healthy", 5)
    assert found.tables["flight"].changed_at is not None
    assert connection.client()["sasl.password"] == kafka.password
    kafka.stop()
    away = observe(connection)
    assert away.health == "unknown"
    assert "no Kafka broker answers" in away.reason
    failed = port.up(partitions=3, topics={"flight": "observed"})
    assert failed.outcome == "failed"
    assert any("no Kafka broker answers" in reported.message for reported in failed.errors)
    kafka.start()
    assert port.up(partitions=3, topics={"flight": "observed"}).changes.keys() == {"same"}
    kafka.delete_topic("observed")
    assert observe(connection).health == "unhealthy"
