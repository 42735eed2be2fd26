"""Properties that the types of a real NiFi accept, and errors for others; a batch of the component."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest

from alchemesh_components.input_ports.kafka_nifi_gcs import processors as words
from alchemesh_platform.systems.nifi.server import Server
from parts.nifi import Nifi
from tests.provider.wire import Wire

from .flows import DATAFLOW, STANDARD, both_releases, dataflow, processors_of, with_property
from .test_dataflow_resource import created, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # NiFi starts in 18 s, on a busy machine in a minute


@both_releases
def test_an_unknown_property_of_a_type_is_reported_and_not_created_as_a_user_property(
    wire: Wire, server: Server, real_nifi: Nifi
) -> None:
    """LogAttribute lacks the property and would be invalid; a type with user properties would run without it."""
    tree = with_property(dataflow(real_nifi.url, "unknown"), "end", "Log Niveau", "debug")
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(DATAFLOW, tree)
    said = failed.value.details() or ""
    assert (
        f"processor 'end': {STANDARD}LogAttribute of NiFi {real_nifi.release.version} has no property 'Log Niveau'"
        in said
    )
    assert "Log Level" in said, "what it has"
    assert "Log Niveau" not in processors_of(server, "unknown")["end"]["component"]["config"]["properties"]
    with created(wire, dataflow(real_nifi.url, "unknown")):
        assert set(running(server, "unknown").values()) == {"RUNNING"}


def test_a_missing_nifi_service_is_reported_by_its_id(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    """By InvokeHTTP, which refers to an SSL context service as the genuine ConsumeKafka does.

    NiFi answers with 404, which was once reported as a removed dataflow.
    """
    tree = dataflow(real_nifi.url, "trusting")
    properties = {"HTTP URL": "https://127.0.0.1:1/", "SSL Context Service": "0b2b1b7c-0192-1000-0000-000000000000"}
    tree["processors"]["end"] = {"variants": [{"type": f"{STANDARD}InvokeHTTP", "properties": properties}]}
    tree["processors"]["end"]["routes"] = {
        name: [] for name in ("Response", "Original", "Failure", "No Retry", "Retry")
    }
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(DATAFLOW, tree)
    said = failed.value.details() or ""
    assert f"NiFi at {real_nifi.url} does not take what is declared of 'end': " in said
    assert "controller service with id '0b2b1b7c-0192-1000-0000-000000000000'" in said
    del properties["SSL Context Service"]
    with created(wire, tree):
        assert set(running(server, "trusting").values()) == {"RUNNING"}


def test_a_batch_that_waits_for_size_and_time_does_not_stop_its_source(
    wire: Wire, server: Server, real_nifi: Nifi
) -> None:
    """A batch counts as queued: at NiFi's limit of 10,000 the consumer once paused until the batch was old."""
    batch = words.processors(
        format="json",
        start="earliest",
        mechanism=None,
        protocol="PLAINTEXT",
        tls_service=None,
        batch_time=timedelta(hours=24),
        batch_megabytes=1024,
        dead_letter="dead-letter",
        storage_url=None,
        substitutes={},
    )["batch"]
    tree = dataflow(real_nifi.url, "many")
    tree["processors"]["make"] = {
        "variants": [
            {
                "type": f"{STANDARD}GenerateFlowFile",
                "properties": {"File Size": "8 B", "Batch Size": "1000", "Data Format": "Text"},
                "dynamic": {"kafka.topic": "ops.departures"},
            }
        ],
        "routes": {"success": ["batch"]},
        "schedule": "50 ms",
    }
    tree["processors"]["batch"] = {**batch, "routes": {"merged": ["end"], "original": [], "failure": ["end"]}}
    with created(wire, tree) as made:
        path = f"/flow/process-groups/{made.state['groupId']}/status"

        def ended() -> int:
            found = server.get(path)["processGroupStatus"]["aggregateSnapshot"]["processorStatusSnapshots"]
            (end,) = [
                one["processorStatusSnapshot"] for one in found if one["processorStatusSnapshot"]["name"] == "end"
            ]
            return int(end["flowFilesIn"])

        assert server.wait(ended, lambda count: count >= 3, 300) >= 3
