"""The path of an event, on a real broker, a real NiFi and an emulated cloud: counted from topic to consumer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from parts.kafka import Broker
from parts.nifi import Nifi

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))  # scripts, not parts of a package

import gcp_path as path  # noqa: E402

from alchemesh_platform.clouds.gcp.emulation.store import Store  # noqa: E402
from alchemesh_platform.registry.records import AssetRecord, GrantRecord  # noqa: E402
from alchemesh_platform.registry.store import Registry  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(1800)]

EVENTS = 1_500
FIRST = "SELECT departure_id, delay_minutes, cancelled FROM `{views}.departure`"
ALWAYS = "projectReaders"  # BigQuery puts them on every dataset's list: readers of the whole project
WRITES = "gcp:storage/bucketIAMMember:BucketIAMMember"


def test_every_event_is_one_row_and_only_granted_consumers_read_it(
    kafka_server: Broker, nifi_server: Nifi, tmp_path: Path
) -> None:
    for server in (kafka_server, nifi_server):
        if server.process is None:
            server.start()
    acls, dataflows = set(kafka_server.acls()), set(path.dataflows(nifi_server))
    with path.configured(tmp_path / "tour", kafka_server, nifi_server) as place:
        emulators = place.emulators
        place.kafka.create_topic(path.TOPIC, partitions=3)
        path.deploy()
        home = tmp_path / "tour" / "home" / "emulated" / path.ENVIRONMENT
        with Registry.open(f"sqlite:///{home / 'registry.db'}") as registry:
            assets = [asset.address for asset in registry.all(AssetRecord, path.ENVIRONMENT)]
        assert assets == ["aviation/departures/departures-table/departure"]
        assert [kept.inputs["role"] for kept in Store(home / "cloud").all(WRITES)].count(
            "roles/storage.objectUser"
        ) == 1

        reported = path.report(place.kafka, EVENTS)
        assert reported.events == EVENTS + EVENTS // path.SENT_TWICE
        objects = path.wait_until_landed(emulators, reported)
        events = [line for name, lines in objects.items() if name.startswith(f"{path.TOPIC}/date=") for line in lines]
        dead = [line for name, lines in objects.items() if name.startswith("dead-letter/") for line in lines]
        assert len(events) == reported.events
        assert {json.loads(event)["departure_id"] for event in events} == set(reported.departures)
        assert dead == [path.NO_EVENT]

        path.run_code()
        path.run_code()  # existing data is not written again
        assert f'"rows": {EVENTS}' in path.status()
        found = path.rows(emulators, f"SELECT * FROM `{path.table()}`")
        assert len(found) == EVENTS
        for row in found:
            expected = reported.departures[row["departure_id"]]
            assert row["scheduled_departure"].strftime("%Y-%m-%dT%H:%M:%SZ") == expected["scheduled_departure"]
            assert {name: row[name] for name in expected if name != "scheduled_departure"} == {
                name: value for name, value in expected.items() if name != "scheduled_departure"
            }

        assert [reader["who"] for reader in path.readers(emulators)] == [ALWAYS]
        with pytest.raises(PermissionError):
            path.ask(emulators, path.READER_MEMBER, FIRST)
        request = path.grant_access()
        assert [reader["who"] for reader in path.readers(emulators)] == [ALWAYS, path.READER_MEMBER]
        with Registry.open(f"sqlite:///{home / 'registry.db'}") as registry:
            grants = [grant.address for grant in registry.all(GrantRecord, path.ENVIRONMENT)]
        assert grants == [request]
        answer = path.ask(emulators, path.READER_MEMBER, FIRST)
        assert {row["departure_id"]: row["cancelled"] for row in answer} == {
            key: departure["cancelled"] for key, departure in reported.departures.items()
        }
        with pytest.raises(PermissionError):
            path.ask(emulators, "somebody@elsewhere.example", FIRST)

        path.take_down([request])
        assert set(place.kafka.acls()) == acls, "those of other tests remain"
        assert set(path.dataflows(place.nifi)) == dataflows
