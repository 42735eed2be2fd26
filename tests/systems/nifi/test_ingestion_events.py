"""Events of Kafka through NiFi into a bucket, counted: none is lost, and only at-least-once delivery repeats any."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from alchemesh_platform.clouds.gcp.emulation.servers.servers import STORAGE, Emulators
from alchemesh_platform.provider.values import Secret
from alchemesh_platform.systems.nifi.flow.deviation import descriptors_of
from alchemesh_platform.systems.nifi.server import Server
from parts.kafka import Broker
from parts.nifi import SUBSTITUTES, Nifi
from tests.provider.wire import Wire
from tests.systems.nifi.simulated.genuine import SERVICES_1, SERVICES_2_3, TYPES_1, TYPES_2_3

from .bucket import Bucket
from .flows import DATAFLOW, Tree, both_releases, group_of, processors_of, with_property
from .ingestion import PASSWORD, USER, dataflow, grant_rights
from .stream import flights, reporting, watching

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # NiFi starts in 18 s, on a busy machine in a minute

ONE_POLL = 10_000  # events that are read and not committed yet when something is killed; the default of ConsumeKafka
PATIENCE = 300.0


@pytest.fixture
def kafka(kafka_server: Broker) -> Broker:
    """The broker, up."""
    if kafka_server.process is None:
        kafka_server.start()
    return kafka_server


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("cloud")
    emulators = Emulators(folder)
    try:
        yield emulators.address_of(STORAGE)
    finally:
        emulators.stop()


def arrived(bucket: Bucket, topic: str) -> Counter[int]:
    """Flight: number of its copies at its place in the bucket."""
    lines = [line for name in bucket.names() if name.startswith(f"{topic}/") for line in bucket.lines(name)]
    return Counter(json.loads(line)["flight_id"] for line in lines)


def wait_for(server: Server, count: Callable[[], int], wanted: int) -> None:
    assert server.wait(count, lambda found: found >= wanted, PATIENCE) >= wanted


# Properties that `genuine.py` leaves out.
NOT_SET = {"max.poll.records", "Topic Format"}
ONLY_HERE = {("1", "storage-api-url")}  # the address of the emulator, which NiFi's own of 1.18 cannot have


def unlike_nifis_own(server: Server, name: str, release: str) -> list[str]:
    """Properties of the substitutes whose names NiFi's own types of the same release do not have."""
    types, services = {"1": (TYPES_1, SERVICES_1), "2": (TYPES_2_3, SERVICES_2_3)}[release]
    own = {SUBSTITUTES.get(found.name, found.name): found for found in (*types, *services)}
    group = group_of(server, name)["id"]
    found = server.get(f"/flow/process-groups/{group}/controller-services")["controllerServices"]
    components = [*processors_of(server, name).values(), *found]
    substitutes = [one for one in components if one["component"]["type"] in SUBSTITUTES.values()]
    assert len(substitutes) == {"1": 4, "2": 5}[release]
    return [
        f"{one['component']['name']}: {name}, {descriptor['displayName']}"
        for one in substitutes
        for name, descriptor in descriptors_of(one).items()
        if name not in NOT_SET
        and own[one["component"]["type"]].properties.get(name) != descriptor["displayName"]
        and (release, name) not in ONLY_HERE
    ]


@both_releases
def test_every_event_arrives_through_kills_of_nifi_and_of_the_broker(
    wire: Wire, server: Server, real_nifi: Nifi, kafka: Broker, storage: str
) -> None:
    """A user of another dataflow was removed before. The restarted broker once refused NiFi's user for that reason."""
    release = real_nifi.release.major
    topic = f"counted.departures.{release}"
    bucket = Bucket(storage, f"landing-{release}")
    bucket.make()
    kafka.add_user("demo.aviation.departures.events", PASSWORD)
    kafka.remove_user("demo.aviation.departures.events")
    grant_rights(kafka, topic)
    made = wire.create(DATAFLOW, dataflow(real_nifi.url, kafka, bucket, topic))
    assert made.state["health"] == "healthy"
    assert unlike_nifis_own(server, f"local.aviation.flights.{topic}", release) == []

    kafka.produce(topic, flights(0, 5_000))
    wait_for(server, lambda: len(bucket.names()), 1)
    kafka.produce(topic, flights(5_000, 5_000))
    real_nifi.kill()
    kafka.produce(topic, flights(10_000, 5_000))
    real_nifi.start()
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


def test_a_message_that_is_not_an_event_leaves_no_blank_line(
    wire: Wire, server: Server, real_nifi: Nifi, kafka: Broker, storage: str, tmp_path: Path
) -> None:
    """The line before a removed one once kept its line break, and got another from its batch."""
    topic = "ops.crew"
    bucket = Bucket(storage, "crew")
    bucket.make()
    grant_rights(kafka, topic)
    made = wire.create(DATAFLOW, dataflow(real_nifi.url, kafka, bucket, topic))
    batches: list[list[bytes | None]] = [
        [*flights(0, 500), b"no event"],
        [None, *flights(500, 500), b"", None],  # None is a tombstone
        [flights(1_000, 1)[0] + b"\n", *flights(1_001, 499)],
    ]

    def events() -> int:
        return sum(bucket.read(name).count(b"flight_id") for name in bucket.names())

    for at, batch in enumerate(batches, 1):  # in one partition, and read one after the other
        kafka.produce(topic, batch, key=b"one")
        wait_for(server, events, 500 * at)
    wire.delete(made)
    for at, name in enumerate(name for name in bucket.names() if name.startswith(f"{topic}/")):
        (tmp_path / f"{at}.jsonl").write_bytes(bucket.read(name))
    read = "read_json('{}/*.jsonl', format = 'newline_delimited', ignore_errors = false)"
    found = duckdb.sql(f"SELECT count(*), count(DISTINCT flight_id) FROM {read.format(tmp_path)}").fetchall()
    assert found == [(1_500, 1_500)]
    texts = [path.read_text() for path in tmp_path.glob("*.jsonl")]
    assert [text for text in texts if "\n\n" in text or text.startswith("\n") or not text.endswith("\n")] == []


def test_a_changed_parameter_pauses_only_its_users_and_loses_nothing(
    wire: Wire, server: Server, real_nifi: Nifi, kafka: Broker, storage: str
) -> None:
    topic = "ops.gates"
    first, second = Bucket(storage, "first"), Bucket(storage, "second")
    first.make()
    second.make()
    grant_rights(kafka, topic)
    tree = dataflow(real_nifi.url, kafka, first, topic)
    made = wire.create(DATAFLOW, tree)
    kafka.produce(topic, flights(0, 1_000))
    wait_for(server, lambda: len(arrived(first, topic)), 1_000)
    before = processors_of(server, str(tree["name"]))
    other = dataflow(real_nifi.url, kafka, second, topic)
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


def test_a_new_password_and_a_new_batch_size_pause_only_their_components(
    wire: Wire,
    server: Server,
    real_nifi: Nifi,
    kafka: Broker,
    storage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = "ops.bookings"
    bucket = Bucket(storage, "bookings")
    bucket.make()
    grant_rights(kafka, topic)
    tree = dataflow(real_nifi.url, kafka, bucket, topic)
    name = str(tree["name"])
    made = wire.create(DATAFLOW, tree)
    sent = requests_of(monkeypatch)
    with reporting(kafka, topic) as events, watching(kafka, topic, name) as pauses:
        wait_for(server, lambda: len(arrived(bucket, topic)), 500)

        larger = with_property(tree, "batch", "Minimum Group Size", "2 MB")
        assert len(wire.diff(made, larger).detailedDiff) == 1
        before = processors_of(server, name)
        pauses.begin("batch size")
        made.state, made.inputs = wire.update(made, larger).state, wire.check(DATAFLOW, larger)
        pauses.end(events)
        after = processors_of(server, name)
        assert untouched(before, after) == ["check", "consume", "write", "write failed"]

        kafka.add_user(USER, "another-secret")  # open connections stay; a new connection needs the new password
        renewed = {
            **larger,
            "sensitiveParameters": {"kafka.password": Secret("another-secret"), "gcp.key": Secret("{}")},
        }
        assert users_of(server, name, "kafka.password") == ["consume"]
        before = after
        sent.clear()
        pauses.begin("password")
        made.state, made.inputs = wire.update(made, renewed).state, wire.check(DATAFLOW, renewed)
        pauses.end(events)
        after = processors_of(server, name)
        assert untouched(before, after)[:2] == ["batch", "check"]
        assert {entity["component"]["state"] for entity in after.values()} == {"RUNNING"}
        changes = [(method, path.split("/")[-1]) for method, path in sent if method != "GET"]
        assert changes[0] == ("POST", "update-requests"), "NiFi itself stops what refers to the parameter"
        assert [method for method, _ in changes] == ["POST", "DELETE"], "nothing else was asked of it"
    reported = events.reported
    wait_for(server, lambda: len(arrived(bucket, topic)), reported)
    wire.delete(made)
    once = Counter(dict.fromkeys(range(reported), 1))
    assert arrived(bucket, topic) == once, "nothing was killed, so none is lost and none comes twice"
    figures = {what: round(seconds, 2) for what, seconds in pauses.longest.items()}
    print("longest pauses, in seconds:", figures)  # noqa: T201 - for docs/platform-gcp.md; `-rP` shows it


def requests_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Requests to any NiFi from now on: method and path."""
    sent: list[tuple[str, str]] = []
    call = Server._call

    def noted(self: Server, method: str, path: str, **options: Any) -> Any:
        sent.append((method, path))
        return call(self, method, path, **options)

    monkeypatch.setattr(Server, "_call", noted)
    return sent


def untouched(before: Tree, after: Tree) -> list[str]:
    """Processors that were not stopped, changed or started in between."""
    return sorted(name for name in before if before[name]["revision"] == after[name]["revision"])


def users_of(server: Server, name: str, parameter: str) -> list[str]:
    """Components that refer to a parameter in NiFi: it stops them when the parameter changes."""
    reference = group_of(server, name)["component"]["parameterContext"]["id"]
    for entry in server.get(f"/parameter-contexts/{reference}")["component"]["parameters"]:
        if entry["parameter"]["name"] == parameter:
            return sorted(one["component"]["name"] for one in entry["parameter"]["referencingComponents"])
    return []


def test_nifi_keeps_the_data_of_a_missing_bucket_until_it_is_back(
    wire: Wire, server: Server, real_nifi: Nifi, kafka: Broker, storage: str
) -> None:
    topic = "ops.weather"
    bucket = Bucket(storage, "late")
    grant_rights(kafka, topic)
    tree = dataflow(real_nifi.url, kafka, bucket, topic, drainSeconds=15.0)
    made = wire.create(DATAFLOW, tree)
    kafka.produce(topic, flights(0, 300))
    with pytest.raises(Exception, match=r"still has [0-9]+ flow files? queued after 15 s, before write"):
        server.wait(
            lambda: processors_of(server, str(tree["name"])), lambda found: complains(server, made.state), PATIENCE
        )
        wire.delete(made)
    bucket.make()
    made.state = wire.update(made, tree).state
    wait_for(server, lambda: len(arrived(bucket, topic)), 300)
    patient = dataflow(real_nifi.url, kafka, bucket, topic)
    made.state, made.inputs = wire.update(made, patient).state, wire.check(DATAFLOW, patient)
    wire.delete(made)
    assert sum(arrived(bucket, topic).values()) == 300


def complains(server: Server, state: object) -> bool:
    """Whether NiFi has a bulletin of the dataflow."""
    from alchemesh_platform.systems.nifi.flow.remove import bulletins

    return bool(bulletins(server, str(state["groupId"])))  # type: ignore[index]
