"""alchemesh:kafka:TopicIngestion: events are counted through kills of the consumer and of the broker."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import grpc
import pytest

from alchemesh_components.input_ports.kafka_directory.observe import observe
from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.machine.directory import OWNER_FILE, owner_of
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.systems.kafka.handlers import topic_ingestion
from alchemesh_platform.systems.kafka.landing.ingestion import read_status
from parts.kafka import Broker
from tests.end_to_end.harness import everything_in
from tests.provider.wire import CheckFailed, Resource, Wire
from tests.systems.kafka.clients import access
from tests.waiting import until

pytestmark = pytest.mark.slow

TYPE = "alchemesh:kafka:TopicIngestion"


class Port:
    """A landing of one topic, removed at the end."""

    def __init__(self, wire: Wire, kafka: Broker, folder: Path) -> None:
        self.wire, self.kafka, self.folder = wire, kafka, folder
        self.made: Resource | None = None

    def inputs(self, topic: str, **more: Any) -> dict[str, Any]:
        given = {
            "kafka": access(self.kafka),
            "topic": topic,
            "group": f"group-{topic}",
            "target": str(self.target),
            "process": "aviation-flights-departures",
            "runDirectory": str(self.folder / "run"),
            "owner": "aviation/flights/departures",
            "batchMessages": 50,
            "batchSeconds": 0.3,
        }
        return {**given, **more}

    def create(self, topic: str, **more: Any) -> Resource:
        self.made = self.wire.create(TYPE, self.inputs(topic, **more))
        return self.made

    @property
    def target(self) -> Path:
        return self.folder / "landed"

    @property
    def run(self) -> Path:
        return self.folder / "run" / "aviation-flights-departures"

    @property
    def pid(self) -> int | None:
        return processes.status(self.run, "aviation-flights-departures").pid

    def numbers(self) -> list[int]:
        """Numbers of the landed events, in order, with duplicates."""
        if not list(self.target.glob("*.parquet")):
            return []
        return [number for (number,) in duckdb.sql(f"SELECT n FROM '{self.target}/*.parquet' ORDER BY n").fetchall()]


@pytest.fixture
def port(wire: Wire, kafka: Broker, tmp_path: Path) -> Iterator[Port]:
    made = Port(wire, kafka, tmp_path)
    yield made
    processes.stop(made.run, "aviation-flights-departures")
    if kafka.process is None:
        kafka.start()


def events(first: int, number: int) -> list[bytes | None]:
    return [json.dumps({"n": n}).encode() for n in range(first, first + number)]


def test_a_topic_is_landed_and_bad_messages_are_set_aside_and_counted(port: Port, kafka: Broker) -> None:
    kafka.create_topic("landed", partitions=2)
    kafka.produce("landed", [*events(0, 120), b"not json", None])
    made = port.create("landed")
    until(lambda: read_status(port.target).rows == 120 and read_status(port.target).lag == 0, "everything is landed")
    assert port.numbers() == list(range(120))
    assert made.state["url"] == port.target.as_uri()
    found = observe(FilesConnection(url=made.state["url"]))
    assert (found.health, found.tables["messages"].rows) == ("healthy", 120)
    assert "lag 0 messages, 1 dead letter, last file landed." in found.reason
    assert "last dead letter: no JSON (Expecting value, column 1)" in found.reason
    assert not port.wire.diff(made, port.inputs("landed")).diffs
    assert kafka.password.encode() not in everything_in(port.folder)
    port.wire.delete(made)
    assert port.numbers() == list(range(120)), "data is kept"
    kafka.produce("landed", events(120, 5))
    port.create("landed")
    until(lambda: len(port.numbers()) >= 125, "the rest is landed")
    assert port.numbers() == list(range(125))
    kafka.produce("landed", [b'{"n": "text"}'])
    until(lambda: read_status(port.target).dead == 2, "another type is set aside")
    found = observe(FilesConnection(url=made.state["url"]))
    assert "2 dead letters" in found.reason
    assert "last dead letter: column n is integer in the landed files, and text here" in found.reason
    assert port.numbers() == list(range(125))


def test_no_event_is_lost_or_landed_twice_through_kills_of_the_consumer_and_the_broker(
    port: Port, kafka: Broker
) -> None:
    kafka.create_topic("counted", partitions=3)
    port.create("counted")
    sent = 0
    for _round in range(3):
        kafka.produce("counted", events(sent, 2000))
        until(lambda before=sent: len(port.numbers()) > before, "some are landed")  # type: ignore[misc]
        sent += 2000
        pid = port.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)  # while it works
        until(lambda killed=pid: port.pid not in (None, killed), "the supervisor has started another")  # type: ignore[misc]
    kafka.kill()
    until(lambda: read_status(port.target).error is not None, "the consumer says that the broker is away")
    assert observe(FilesConnection(url=port.target.as_uri())).health == "unhealthy"
    kafka.start()
    kafka.produce("counted", events(sent, 100))
    until(lambda: len(port.numbers()) >= sent + 100, "all are landed")
    assert port.numbers() == list(range(sent + 100))


def test_a_re_created_topic_overwrites_no_file_of_the_former_one(port: Port, kafka: Broker) -> None:
    """Its offsets restart: files of the same offsets once replaced the landed ones."""
    kafka.create_topic("anew")
    port.create("anew")
    for first in (0, 50):
        kafka.produce("anew", events(first, 50))
        until(lambda landed=first + 50: len(port.numbers()) == landed, "all are landed")  # type: ignore[misc]
        if first == 0:
            kafka.delete_topic("anew")
            kafka.create_topic("anew")
    assert port.numbers() == list(range(100))


def test_a_dead_consumer_is_restarted(port: Port, kafka: Broker) -> None:
    kafka.create_topic("dead")
    made = port.create("dead")
    processes.stop(port.run, "aviation-flights-departures")
    assert list(port.wire.diff(made, port.inputs("dead")).diffs) == ["url"]
    assert any("the consumer of dead is not running" in said for said in port.wire.engine.messages())
    port.wire.update(made, port.inputs("dead"))
    kafka.produce("dead", events(0, 3))
    until(lambda: len(port.numbers()) == 3, "events are landed")


def test_a_consumer_of_another_version_is_restarted(port: Port, kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade moved the module of the consumer: the old one kept running, and could not restart after a crash."""
    kafka.create_topic("older")
    command = topic_ingestion._command
    with monkeypatch.context() as formerly:
        formerly.setattr(topic_ingestion, "_command", lambda inputs: (*command(inputs), "--formerly"))
        made = port.create("older")
    older = port.pid
    assert list(port.wire.diff(made, port.inputs("older")).diffs) == ["url"]
    assert any("the consumer of older runs with another configuration" in said for said in port.wire.engine.messages())
    port.wire.update(made, port.inputs("older"))
    assert port.pid not in (None, older)
    assert not list(port.wire.diff(made, port.inputs("older")).diffs)


def test_a_missing_topic_is_reported_before_anything_runs(port: Port, kafka: Broker) -> None:
    with pytest.raises(grpc.RpcError, match=f"there is no topic nowhere at {kafka.bootstrap}"):
        port.create("nowhere")
    assert not port.target.exists()


def test_a_missing_right_is_reported_and_the_started_consumer_is_stopped(
    port: Port, kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.create_topic("guarded")
    kafka.add_user("reader", "a-password")
    kafka.allow("reader", read=["guarded"])
    monkeypatch.setenv("READER", "a-password")
    reader = access(kafka, user="reader", secret="READER")
    with pytest.raises(grpc.RpcError) as denied:
        port.create("guarded", kafka=reader)
    assert "the consumer of guarded does not read: topic guarded: " in str(denied.value.details())
    assert "use group group-guarded" in str(denied.value.details())
    assert port.pid is None
    kafka.allow("reader", groups=["group-guarded"])
    port.create("guarded", kafka=reader)


COLUMNS = [{"name": "n", "type": "integer", "required": True}, {"name": "at", "type": "date"}]


def test_a_declared_schema_is_enforced_and_a_refused_message_stops_the_consumer(port: Port, kafka: Broker) -> None:
    kafka.create_topic("declared")
    kafka.produce("declared", [b'{"n": 1, "at": "2024-01-31"}', b'{"n": 1.5}', b'{"n": 2, "more": 1}', b'{"n": 3}'])
    more = {"columns": COLUMNS, "onNewColumn": "refuse"}
    made = port.create("declared", **more)
    until(lambda: read_status(port.target).dead == 2, "two messages are set aside")
    assert port.numbers() == [1, 3]
    assert "last dead letter: column " in observe(FilesConnection(url=made.state["url"])).reason

    failing = port.inputs("declared", onBadRow="fail", **more)
    made.state, made.inputs = port.wire.update(made, failing).state, port.wire.check(TYPE, failing)
    kafka.produce("declared", [b'{"n": 4}', b'{"n": "four"}', b'{"n": 5}'])
    until(lambda: read_status(port.target).blocked, "the consumer stops")
    found = observe(FilesConnection(url=made.state["url"]))
    assert found.health == "unhealthy"
    assert "topic declared, partition 0, offset 5: column n: 'four' is no integer; correct the schema" in found.reason
    assert port.numbers() == [1, 3, 4], "no later message is landed"

    # Another type for the landed column is refused, and the files stay; the former declaration resumes.
    other = port.inputs("declared", columns=[{"name": "n", "type": "date"}, COLUMNS[1]])
    with pytest.raises(grpc.RpcError) as refused:
        port.wire.update(made, other)
    assert "column n: '1' is no date: the landed files do not fit the schema of the port" in str(
        refused.value.details()
    )
    port.wire.update(made, port.inputs("declared", **more))
    until(lambda: port.numbers() == [1, 3, 4, 5], "it resumes, and sets the message aside")
    until(lambda: read_status(port.target).dead == 3, "the message is counted")


def test_the_folder_of_another_owner_or_environment_is_refused_and_kept(
    port: Port, kafka: Broker, tmp_path: Path
) -> None:
    """Nothing showed that the marker of a topic's folder is checked."""
    kafka.create_topic("marked")
    kafka.produce("marked", events(0, 3))
    made = port.create("marked")
    until(lambda: port.numbers() == [0, 1, 2], "they are landed")
    assert owner_of(port.target) == "aviation/flights/departures"
    other = port.inputs("marked", owner="aviation/punctuality/flights", runDirectory=str(tmp_path / "other"))
    with pytest.raises(CheckFailed) as refused:
        port.wire.check(TYPE, other)
    assert list(refused.value.failures) == ["target"]
    assert "aviation/flights/departures" in refused.value.failures["target"]
    port.wire.stack = "prod"
    with pytest.raises(CheckFailed) as refused:
        port.wire.check(TYPE, port.inputs("marked", runDirectory=str(tmp_path / "other")))
    assert list(refused.value.failures) == ["target"]
    assert "local" in refused.value.failures["target"]
    port.wire.stack = "local"
    mark = port.target / OWNER_FILE
    whole = json.loads(mark.read_bytes())
    mark.unlink()
    with pytest.raises(CheckFailed, match="holds files that alchemesh did not put there"):
        port.wire.check(TYPE, port.inputs("marked"))
    # Earlier versions wrote no environment.
    mark.write_text(json.dumps({"owner": whole["owner"]}), "utf-8")
    assert list(port.wire.diff(made, port.inputs("marked")).diffs) == ["url"]
    said = f"folder {port.target} does not name its environment; `up` marks it"
    assert any(said in message for message in port.wire.engine.messages())
    port.wire.update(made, port.inputs("marked"))
    assert json.loads(mark.read_bytes()) == whole
    assert port.numbers() == [0, 1, 2]
