"""Probes of topics on a real broker: a user of their own, what is down, and a user that goes with its topic."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError

from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.client.users import has_user, put_password
from alchemesh_platform.systems.kafka.connections import TopicConnection
from alchemesh_platform.systems.kafka.probes import TOPICS, VALIDITY, probe_user
from parts.kafka import Broker
from tests.provider.wire import Wire
from tests.systems.kafka.clients import access
from tests.systems.kafka.test_topic_resource import TYPE, wanted
from tests.waiting import until

pytestmark = pytest.mark.slow

SECONDS = 30.0


def port(kafka: Broker, topic: str, kept: Path | None, **more: Any) -> ProbedPort:
    given = access(kafka)
    connection = TopicConnection(
        broker="kafka",
        servers=(kafka.bootstrap,),
        topics={"flight": topic},
        security=given["security"],
        issues_credentials=True,
    )
    return ProbedPort(
        address="aviation/flights/events",
        connection=connection.model_copy(update=more),
        models=("flight",),
        environ=os.environ,
        kept=kept,
    )


def ask(probed: ProbedPort, seconds: float = SECONDS) -> None:
    TOPICS.question(probed, "kafka")(seconds)


def is_up(probed: ProbedPort) -> bool:
    """Whether the cluster accepts the user of the probe. A refusal is no answer about the topic."""
    try:
        ask(probed, 5.0)
    except NotProbed as refused:
        assert str(refused) == "the cluster refuses the probe's own user"
        return False
    return True


def test_a_topic_answers_a_user_that_can_read_this_topic_only_and_ends_with_it(
    kafka: Broker, wire: Wire, tmp_path: Path
) -> None:
    made = wire.create(TYPE, wanted(kafka, "probed"))
    kafka.create_topic("beside-probed")
    ask(port(kafka, "probed", tmp_path / "kept"))

    (file,) = (tmp_path / "kept").iterdir()
    kept = json.loads(file.read_text())
    assert (kept["user"], file.stat().st_mode & 0o777) == (probe_user("probed"), 0o600)
    reader = Consumer({**kafka.client(kept["user"], kept["password"]), "group.id": kept["user"]})
    refused = reader.list_topics("beside-probed", timeout=SECONDS).topics["beside-probed"].error
    reader.close()
    assert refused is not None
    assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    ask(port(kafka, "probed", tmp_path / "kept"))
    assert json.loads(file.read_text()) == kept

    os.utime(file, (0, file.stat().st_mtime - VALIDITY.total_seconds() - 1))
    ask(port(kafka, "probed", tmp_path / "kept"))
    assert json.loads(file.read_text())["password"] != kept["password"]

    wire.delete(made)
    cluster = Cluster(KafkaAccess.model_validate(access(kafka)))
    assert not has_user(cluster, probe_user("probed"))
    with pytest.raises((NoAnswer, NotProbed)):
        ask(port(kafka, "probed", None))


def test_a_refused_user_of_the_probe_is_unknown_and_the_next_probe_has_another_password(
    kafka: Broker, tmp_path: Path
) -> None:
    kafka.create_topic("refused-probe")
    probed = port(kafka, "refused-probe", tmp_path)
    ask(probed)
    put_password(Cluster(KafkaAccess.model_validate(access(kafka))), probe_user("refused-probe"))
    file = tmp_path / f"{probe_user('refused-probe')}.json"
    before = file.read_text()
    until(lambda: not is_up(probed), "the brokers know the new password")
    assert not file.exists()
    ask(probed)
    assert file.read_text() != before


def test_a_broker_that_does_not_listen_is_down_and_a_missing_secret_is_not(
    kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.create_topic("no-broker")
    probed = port(kafka, "no-broker", tmp_path)
    ask(probed)
    away = port(kafka, "no-broker", tmp_path, servers=("127.0.0.1:1",))
    with pytest.raises(NoAnswer, match=r"Connection refused|transport failure|timed out"):
        ask(away, 2.0)
    with pytest.raises(NotProbed, match="secret KAFKA_PASSWORD has no value here"):
        ask(ProbedPort(address=probed.address, connection=probed.connection, environ={}))
