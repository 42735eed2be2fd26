"""A streaming port as a person deploys it: real engine, real plugin, real broker; consumers let in and out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException

from alchemesh_components.kafka_settings import Settings
from alchemesh_components.output_ports.kafka_topic.component import KafkaTopics
from alchemesh_components.output_ports.kafka_topic.models import Args
from alchemesh_components.output_ports.kafka_topic.observe import observe
from alchemesh_platform.catalog.consumer import Consumer
from alchemesh_platform.catalog.wiring import Wiring
from alchemesh_platform.connections import TopicConnection
from alchemesh_platform.engine.discover import Engine
from alchemesh_platform.engine.lock import StackLock
from alchemesh_platform.engine.plugins import get_plugins
from alchemesh_platform.engine.result import EngineResult
from alchemesh_platform.engine.run import Operation, run_operation
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.provider.attach import serve_provider
from parts.kafka import Broker
from tests.kafka.clients import access, read

pytestmark = [pytest.mark.slow, pytest.mark.engine]

MODEL = SemanticModel.model_validate({"properties": {"flight_id": {"type": "string", "key": True}}})
TOPIC = "aviation.flights.events.flight"
PRODUCT = Consumer("requests/1", "data_product", "operations/punctuality", product="operations/punctuality")
TEAM = Consumer("requests/2", "technical_team", "operations/desk", ("ada@x.example",), ("operations/desk",))


@dataclass
class Port:
    """The component in a program of its own, and its stack."""

    engine: Engine
    stack: Stack
    kafka: Broker
    registry: str
    made: KafkaTopics | None = None

    def up(self, *consumers: Consumer, operation: Operation = "up", **args: Any) -> EngineResult:
        settings = {**access(self.kafka), "create_users": True, "replication": 1}

        def program() -> None:
            made = KafkaTopics(
                "events",
                Args.model_validate(args),
                Settings.model_validate({"kafka": settings}),
                Wiring(domain="aviation", product="flights", port="events", models={"flight": MODEL}),
            )
            for consumer in consumers:
                made.grant(consumer)
            import pulumi

            pulumi.export("connection", made.outputs)
            pulumi.export("passwords", made.passwords)

        return self.run(operation, program)

    def run(self, operation: Operation, program: Callable[[], object] | None = None) -> EngineResult:
        with StackLock(self.stack, tell=print):
            self.stack.prepare(self.engine)
            get_plugins(["kafka"], self.engine, self.stack, tell=print)
            with serve_provider(self.registry) as provider:
                return run_operation(
                    self.engine, self.stack, operation, program=program, providers={"alchemesh": provider.port}
                )

    @property
    def state(self) -> str:
        assert self.stack.state_folder is not None
        return self.stack.state_folder.file.read_text("utf-8")


@pytest.fixture
def port(kafka: Broker, engine: Engine, tmp_path: Path) -> Port:
    stack = Stack("aviation.flights", "dev", f"file://{tmp_path / 'state'}", tmp_path / "home")
    return Port(engine, stack, kafka, f"sqlite:///{tmp_path / 'registry.db'}")


def users_of(kafka: Broker, topic: str) -> set[str]:
    return {acl.principal.removeprefix("User:") for acl in kafka.acls() if acl.name == topic}


def test_a_consumer_is_let_in_with_a_user_of_its_own_and_nobody_else(port: Port, kafka: Broker) -> None:
    first = port.up(PRODUCT)
    assert first.outcome == "succeeded", first.diagnostics
    kafka.produce(TOPIC, [b'{"flight_id": "AA1"}'])
    # The password is in the state, encrypted; the cluster takes another one that is known here.
    assert "ciphertext" in port.state
    kafka.add_user("operations.punctuality", "known-here")
    kafka.add_user("operations.desk", "known-too")

    def reads(user: str, password: str, group: str, topic: str = TOPIC) -> list[bytes]:
        return read(kafka, topic, 1, user=user, password=password, group=group)

    assert reads("operations.punctuality", "known-here", "operations.punctuality.a") == [b'{"flight_id": "AA1"}']
    (schema,) = reads("operations.punctuality", "known-here", "operations.punctuality.s", "alchemesh.schemas")[:1]
    assert b'"schema"' in schema
    with pytest.raises(KafkaException, match="GROUP_AUTHORIZATION_FAILED"):
        reads("operations.punctuality", "known-here", "another-group")
    with pytest.raises(KafkaException, match=r"(TOPIC|GROUP)_AUTHORIZATION_FAILED"):
        reads("operations.desk", "known-too", "operations.desk.a")

    both = port.up(PRODUCT, TEAM)
    assert both.outcome == "succeeded", both.diagnostics
    assert both.changes.get("update", 0) == 0, "what one consumer has does not change when another comes"
    assert users_of(kafka, TOPIC) == {"operations.punctuality", "operations.desk", "ada@x.example"}
    assert port.up(PRODUCT, TEAM).changes.keys() == {"same"}, "a password is made once"

    assert port.up(TEAM).outcome == "succeeded"
    assert users_of(kafka, TOPIC) == {"operations.desk", "ada@x.example"}
    assert kafka.password not in port.state
    assert kafka.password not in str(first)
    assert port.run("destroy").outcome == "succeeded"
    assert users_of(kafka, TOPIC) == set()


def test_what_stands_is_observed_and_a_cluster_that_is_away_is_unknown(port: Port, kafka: Broker) -> None:
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
    assert any("no Kafka broker answers" in told.message for told in failed.errors)
    kafka.start()
    assert port.up(partitions=3, topics={"flight": "observed"}).changes.keys() == {"same"}
    kafka.delete_topic("observed")
    assert observe(connection).health == "unhealthy"
