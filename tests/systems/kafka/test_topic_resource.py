"""alchemesh:kafka:Topic on a real broker: created, grown, adopted, retained, refused with a message, corrected."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.sdk.system.drift import Deviation
from alchemesh_platform.systems.kafka.client import schemas, topics
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.retained import RETAINED
from parts.kafka import Broker
from tests.provider.wire import CheckFailed, Wire, connected
from tests.systems.kafka.clients import access

pytestmark = pytest.mark.slow

TYPE = "alchemesh:kafka:Topic"
SCHEMA = {"type": "object", "properties": {"flight_id": {"type": "string"}}}


def wanted(kafka: Broker, topic: str, /, **more: Any) -> dict[str, Any]:
    given = {
        "kafka": access(kafka),
        "topic": topic,
        "owner": f"aviation/flights/events/{topic}",
        "partitions": 2,
        "model": "flight",
        "messageSchema": SCHEMA,
        "config": {"retention.ms": "600000"},
    }
    return {**given, **more}


def now(kafka: Broker, topic: str) -> topics.Topic | None:
    return topics.topic_of(cluster(kafka), topic)


def cluster(kafka: Broker) -> Cluster:
    return Cluster(KafkaAccess.model_validate(access(kafka)))


def test_a_topic_is_created_with_its_configuration_and_its_schema_is_published(kafka: Broker, wire: Wire) -> None:
    made = wire.create(TYPE, wanted(kafka, "made"))
    assert made.id == "made"
    assert made.state["url"] == f"kafka://{kafka.bootstrap}/made"
    assert now(kafka, "made") == topics.Topic("made", 2, 1, {"retention.ms": "600000"})
    published = schemas.published_of(cluster(kafka), "alchemesh.schemas", "made")
    assert published == schemas.Published(
        owner="aviation/flights/events/made", environment="local", model="flight", schema=SCHEMA
    )
    assert not wire.diff(made, wanted(kafka, "made")).diffs
    assert kafka.password not in json.dumps(made.state, default=str)


def test_a_topic_grows_and_is_configured_in_place(kafka: Broker, wire: Wire) -> None:
    made = wire.create(TYPE, wanted(kafka, "grown"))
    kafka.produce("grown", [b"{}"] * 3)
    changed = wanted(
        kafka, "grown", partitions=4, config={"cleanup.policy": "compact"}, messageSchema={"type": "object"}
    )
    assert not wire.diff(made, changed).replaces
    wire.update(made, changed)
    assert now(kafka, "grown") == topics.Topic("grown", 4, 1, {"cleanup.policy": "compact"})
    published = schemas.published_of(cluster(kafka), "alchemesh.schemas", "grown")
    assert published is not None
    assert published.message_schema == {"type": "object"}
    held, last = topics.messages_in(cluster(kafka), topics.Topic("grown", 4, 1))
    assert held == 3
    assert last is not None


def test_partitions_are_never_removed(kafka: Broker, wire: Wire) -> None:
    """The check once refused it, and the engine stopped the whole run; a failed step stops only itself."""
    made = wire.create(TYPE, wanted(kafka, "wide", partitions=4))
    narrow = wanted(kafka, "wide", partitions=3)
    reported = "topic wide has 4 partitions, and Kafka takes none away: found 3, expected 4 or more"
    assert list(wire.diff(made, narrow).diffs) == ["partitions"]
    with pytest.raises(grpc.RpcError, match=reported):
        wire.preview(TYPE, narrow)
    with pytest.raises(grpc.RpcError, match=reported):
        wire.update(made, narrow)
    found = now(kafka, "wide")
    assert found is not None
    assert found.partitions == 4


@pytest.mark.parametrize(
    ("more", "property_", "reason"),
    [
        ({"config": {"nonsense": "1"}}, "config", "nonsense"),
        ({"config": {"retention.ms": "soon"}}, "config", "retention.ms"),
        ({"topic": "x" * 250}, "topic", "249"),
        ({"topic": "a topic"}, "topic", "pattern"),
    ],
)
def test_inputs_that_the_cluster_would_refuse_fail_the_check(
    kafka: Broker, wire: Wire, more: dict[str, Any], property_: str, reason: str
) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.preview(TYPE, wanted(kafka, "refused", **more))
    assert reason in refused.value.failures[property_]
    assert now(kafka, "refused") is None


def test_more_replicas_than_brokers_are_reported_by_preview_and_step(kafka: Broker, wire: Wire) -> None:
    reported = "found 3 copies of each partition, expected at most one for each of 1 broker"
    for step in (wire.preview, wire.create):
        with pytest.raises(grpc.RpcError, match=reported):
            step(TYPE, wanted(kafka, "copied", replication=3))
    assert now(kafka, "copied") is None


def test_the_longest_allowed_name_works(kafka: Broker, wire: Wire) -> None:
    name = "x" * 249
    made = wire.create(TYPE, wanted(kafka, name))
    assert now(kafka, name) is not None
    wire.delete(made)
    assert now(kafka, name) is None


def test_a_topic_of_a_killed_run_is_adopted_and_a_foreign_one_is_not(kafka: Broker, wire: Wire) -> None:
    """Without the mark before the topic, the next run would find a topic without owner and fail."""
    wire.create(TYPE, wanted(kafka, "lost"))
    wire.create(TYPE, wanted(kafka, "lost", partitions=3))
    found = now(kafka, "lost")
    assert found is not None
    assert found.partitions == 3
    with pytest.raises(grpc.RpcError, match="belongs to aviation/flights/events/lost, not to somebody/else"):
        wire.create(TYPE, wanted(kafka, "lost", owner="somebody/else"))
    kafka.create_topic("theirs")
    with pytest.raises(grpc.RpcError, match="topic theirs exists and was created by another user"):
        wire.create(TYPE, wanted(kafka, "theirs"))
    wire.create(TYPE, wanted(kafka, "theirs", adopt=True))
    found = now(kafka, "theirs")
    assert found is not None
    assert found.partitions == 2


def test_topic_of_another_environment_is_refused_and_left(kafka: Broker, wire: Wire, tmp_path: Path) -> None:
    """Two environments with one cluster had one topic, and `destroy --delete-data` of one deleted it."""
    made = wire.create(TYPE, wanted(kafka, "apart"))
    with connected(tmp_path / "other", stack="dev", delete_data=True) as dev:
        said = "topic apart exists and belongs to aviation/flights/events/apart in environment local, not in dev"
        with pytest.raises(grpc.RpcError, match=said):
            dev.create(TYPE, wanted(kafka, "apart"))
        dev.delete(replace(made, urn=dev.urn(TYPE)))
    assert now(kafka, "apart") is not None


def test_schema_of_an_earlier_version_gets_its_environment_by_an_update(kafka: Broker, wire: Wire) -> None:
    made = wire.create(TYPE, wanted(kafka, "earlier"))
    owner = "aviation/flights/events/earlier"
    former = schemas.Published(owner=owner, model="flight", schema=SCHEMA)
    schemas.publish(cluster(kafka), schemas.SCHEMA_TOPIC, "earlier", former, replication=1)
    assert list(wire.diff(made, wanted(kafka, "earlier")).diffs) == ["url"]
    wire.update(made, wanted(kafka, "earlier"))
    published = schemas.published_of(cluster(kafka), schemas.SCHEMA_TOPIC, "earlier")
    assert published is not None
    assert published.environment == "local"


def test_retained_topic_is_found_and_deleted(kafka: Broker, wire: Wire) -> None:
    made = wire.create(TYPE, wanted(kafka, "remaining"))
    kafka.produce("remaining", [b"{}"] * 3)
    wire.delete(made)
    platform = Platform(
        environment="local", state="file:///state", registry="sqlite:///r", home="/", settings={"kafka": access(kafka)}
    )
    [found] = [one for one in RETAINED.find(platform) if one.name == "remaining"]
    assert (found.owner, found.contents) == ("aviation/flights/events/remaining", "at most 3 messages")
    RETAINED.delete(platform, found)
    assert now(kafka, "remaining") is None
    assert schemas.published_of(cluster(kafka), schemas.SCHEMA_TOPIC, "remaining") is None


def test_a_topic_with_messages_is_retained_and_adopted_and_an_empty_one_is_deleted(kafka: Broker, wire: Wire) -> None:
    made = wire.create(TYPE, wanted(kafka, "kept"))
    kafka.produce("kept", [b"{}"])
    wire.delete(made)
    assert now(kafka, "kept") is not None
    assert "kept topic kept with 1 message; a later `up` finds it again" in wire.engine.messages()
    repeated = wire.create(TYPE, wanted(kafka, "kept", keepOnDelete=False))
    wire.delete(repeated)
    assert now(kafka, "kept") is None
    assert schemas.published_of(cluster(kafka), "alchemesh.schemas", "kept") is None
    wire.delete(repeated)


def test_manual_changes_are_detected_and_corrected(kafka: Broker, wire: Wire) -> None:
    inputs = wanted(kafka, "touched")
    made = wire.create(TYPE, inputs)
    topics.change_topic(
        cluster(kafka), topics.Topic("touched", 2, 1, inputs["config"]), topics.Topic("touched", 2, 1, {})
    )
    assert list(wire.diff(made, inputs).diffs) == ["url"]
    assert "topic touched was changed by hand: retention.ms unset instead of 600000" in wire.engine.messages()
    changed = now(kafka, "touched")
    assert changed is not None
    declared = topics.Topic("touched", 2, 1, inputs["config"])
    assert topics.deviations(changed, declared) == [Deviation("config.retention.ms", "600000", None)]
    wire.update(made, inputs)
    assert now(kafka, "touched") == declared
    kafka.delete_topic("touched")
    assert list(wire.diff(made, inputs).diffs) == ["url"]
    assert wire.read(made) is None


def test_a_broker_that_is_down_a_wrong_password_and_a_missing_right_are_reported(
    kafka: Broker, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "not-the-password")
    with pytest.raises(grpc.RpcError) as wrong:
        wire.preview(TYPE, wanted(kafka, "told", kafka=access(kafka, secret="WRONG")))
    assert "refuses user 'admin'" in str(wrong.value.details())
    assert "{secret: WRONG}" in str(wrong.value.details())
    assert "not-the-password" not in str(wrong.value.details())

    kafka.add_user("nobody", "a-password")
    monkeypatch.setenv("NOBODY", "a-password")
    with pytest.raises(grpc.RpcError) as denied:
        wire.preview(TYPE, wanted(kafka, "told", kafka=access(kafka, user="nobody", secret="NOBODY")))
    assert "an ACL has to let user 'nobody' do it" in str(denied.value.details())

    monkeypatch.delenv("NOBODY")
    with pytest.raises(grpc.RpcError) as missing:
        wire.preview(TYPE, wanted(kafka, "told", kafka=access(kafka, user="nobody", secret="NOBODY")))
    assert "secret NOBODY has no value here" in str(missing.value.details())

    kafka.stop()
    monkeypatch.setattr("alchemesh_platform.systems.kafka.client.cluster.CONNECT_SECONDS", 2.0)
    monkeypatch.setattr(Cluster.__init__, "__kwdefaults__", {"seconds": 2.0})
    with pytest.raises(grpc.RpcError) as down:
        wire.preview(TYPE, wanted(kafka, "told"))
    assert f"no Kafka broker answers at {kafka.bootstrap}" in str(down.value.details())
    assert "Connection refused" in str(down.value.details())
    kafka.start()
    monkeypatch.undo()
    monkeypatch.setenv("KAFKA_PASSWORD", kafka.password)
    wire.create(TYPE, wanted(kafka, "told"))


def test_reading_schemas_needs_no_right_to_a_group(kafka: Broker, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks for a group's coordinator without using a group: a denial once failed deployments."""
    wire.create(TYPE, wanted(kafka, "published"))
    kafka.add_user("platform", "a-password")
    kafka.allow("platform", read=[schemas.SCHEMA_TOPIC])
    monkeypatch.setenv("PLATFORM", "a-password")
    platform = Cluster(KafkaAccess.model_validate(access(kafka, user="platform", secret="PLATFORM")))
    for _time in range(20):  # the order of both answers varies
        assert "published" in schemas.all_published(platform, schemas.SCHEMA_TOPIC)


def test_a_broker_that_is_down_is_reported_by_the_step_and_not_by_the_comparison(
    kafka: Broker, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed comparison would stop the whole run."""
    inputs = wanted(kafka, "asked")
    made = wire.create(TYPE, inputs)
    kafka.stop()
    with monkeypatch.context() as patched:
        patched.setattr(Cluster.__init__, "__kwdefaults__", {"seconds": 2.0})
        assert list(wire.diff(made, inputs).diffs) == ["url"]
        with pytest.raises(grpc.RpcError, match="no Kafka broker answers"):
            wire.update(made, inputs)
    kafka.start()
    assert not wire.diff(made, inputs).diffs
