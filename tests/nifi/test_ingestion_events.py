"""Events of Kafka through NiFi into a bucket, counted: none is lost, none comes twice but what at-least-once allows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alchemesh_platform.emulation.servers import STORAGE, Emulators
from alchemesh_platform.nifi.server import Server
from parts.kafka import Broker, broker
from parts.nifi import Nifi
from tests.needs import need_java
from tests.provider.wire import Wire

from .bucket import Bucket
from .flows import DATAFLOW, processors_of
from .ingestion import dataflow, let_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # NiFi starts in 18 s, on a busy machine in a minute

ONE_POLL = 10_000  # events that are read and not committed yet when something is killed; the default of ConsumeKafka
PATIENCE = 300.0


@pytest.fixture(scope="module")
def kafka() -> Iterator[Broker]:
    need_java()
    with broker() as running:
        yield running


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("cloud")
    emulators = Emulators(folder)
    try:
        yield emulators.address_of(STORAGE)
    finally:
        emulators.stop()


def flights(first: int, count: int) -> list[bytes]:
    """Departures, as a dispatcher's system tells them."""
    return [
        json.dumps({"flight_id": number, "carrier": "UA", "origin": "EWR", "delay_minutes": number % 60}).encode()
        for number in range(first, first + count)
    ]


def arrived(bucket: Bucket, topic: str) -> Counter[int]:
    """Flight: how often it is in the bucket, where it belongs."""
    lines = [line for name in bucket.names() if name.startswith(f"{topic}/") for line in bucket.lines(name)]
    return Counter(json.loads(line)["flight_id"] for line in lines)


def wait_for(server: Server, count: Callable[[], int], wanted: int) -> None:
    assert server.wait(count, lambda found: found >= wanted, PATIENCE) >= wanted


def test_every_event_arrives_through_kills_of_nifi_and_of_the_broker(
    wire: Wire, server: Server, nifi_server: Nifi, kafka: Broker, storage: str
) -> None:
    topic = "ops.departures"
    bucket = Bucket(storage, "landing")
    bucket.make()
    let_in(kafka, topic)
    made = wire.create(DATAFLOW, dataflow(nifi_server.url, kafka, bucket, topic))
    assert made.state["health"] == "healthy"

    kafka.produce(topic, flights(0, 5_000))
    wait_for(server, lambda: len(bucket.names()), 1)
    kafka.produce(topic, flights(5_000, 5_000))
    nifi_server.kill()
    kafka.produce(topic, flights(10_000, 5_000))
    nifi_server.start()
    wait_for(server, lambda: len(arrived(bucket, topic)), 10_000)
    kafka.produce(topic, flights(15_000, 5_000))
    kafka.kill()
    kafka.start()
    kafka.produce(topic, [b"no event", b'{"cut": ', *flights(20_000, 5_000)])
    wait_for(server, lambda: len(arrived(bucket, topic)), 25_000)
    kafka.produce(topic, flights(25_000, 1_000))  # nothing is killed any more
    wait_for(server, lambda: len(arrived(bucket, topic)), 26_000)

    wire.delete(made)
    counted = arrived(bucket, topic)
    twice = sorted(flight for flight, times in counted.items() if times > 1)
    assert set(counted) == set(range(26_000))
    assert sum(counted.values()) - len(counted) <= 2 * ONE_POLL
    assert [flight for flight in twice if flight >= 25_000] == []
    failed = [line for name in bucket.names() if name.startswith("dead-letter/") for line in bucket.lines(name)]
    assert sorted(set(failed)) == ["no event", '{"cut": ']
    assert all("/date=" in name and name.endswith(".jsonl") for name in bucket.names())


def test_a_changed_parameter_stands_still_only_what_refers_to_it_and_loses_nothing(
    wire: Wire, server: Server, nifi_server: Nifi, kafka: Broker, storage: str
) -> None:
    topic = "ops.gates"
    first, second = Bucket(storage, "first"), Bucket(storage, "second")
    first.make()
    second.make()
    let_in(kafka, topic)
    tree = dataflow(nifi_server.url, kafka, first, topic)
    made = wire.create(DATAFLOW, tree)
    kafka.produce(topic, flights(0, 1_000))
    wait_for(server, lambda: len(arrived(first, topic)), 1_000)
    before = processors_of(server, str(tree["name"]))
    other = dataflow(nifi_server.url, kafka, second, topic)
    answer = wire.diff(made, other)
    assert list(answer.detailedDiff) == ['parameters["gcs.bucket"]']
    kafka.produce(topic, flights(1_000, 500))
    made.state, made.inputs = wire.update(made, other).state, wire.check(DATAFLOW, other)
    after = processors_of(server, str(tree["name"]))
    assert {name: entity["component"]["state"] for name, entity in after.items()} == dict.fromkeys(after, "RUNNING")
    for name in ("consume", "check", "batch"):
        assert after[name]["revision"] == before[name]["revision"], f"{name} was stopped for nothing"
    kafka.produce(topic, flights(1_500, 500))
    wait_for(server, lambda: len(arrived(first, topic) + arrived(second, topic)), 2_000)
    wire.delete(made)
    assert sum((arrived(first, topic) + arrived(second, topic)).values()) == 2_000
    assert len(arrived(second, topic)) >= 500


def test_a_bucket_that_is_gone_keeps_the_data_in_nifi_until_it_is_back(
    wire: Wire, server: Server, nifi_server: Nifi, kafka: Broker, storage: str
) -> None:
    topic = "ops.weather"
    bucket = Bucket(storage, "late")
    let_in(kafka, topic)
    tree = dataflow(nifi_server.url, kafka, bucket, topic, drainSeconds=8.0)
    made = wire.create(DATAFLOW, tree)
    kafka.produce(topic, flights(0, 300))
    with pytest.raises(Exception, match=r"still has [0-9]+ flow files? queued after 8 s, before write"):
        server.wait(lambda: processors_of(server, str(tree["name"])), lambda found: complains(server, made.state), 60)
        wire.delete(made)
    bucket.make()
    made.state = wire.update(made, tree).state
    wait_for(server, lambda: len(arrived(bucket, topic)), 300)
    patient = dataflow(nifi_server.url, kafka, bucket, topic)
    made.state, made.inputs = wire.update(made, patient).state, wire.check(DATAFLOW, patient)
    wire.delete(made)
    assert sum(arrived(bucket, topic).values()) == 300


def complains(server: Server, state: object) -> bool:
    """Whether NiFi has said something of the dataflow."""
    from alchemesh_platform.nifi.take_down import bulletins

    return bool(bulletins(server, str(state["groupId"])))  # type: ignore[index]
