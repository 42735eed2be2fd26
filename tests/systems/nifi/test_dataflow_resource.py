"""The dataflow resource, called as by the engine, against a real NiFi 1.18, and the essential ones against 2.3."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.provider.values import Secret, reveal
from alchemesh_platform.systems.nifi.server import Server
from parts.nifi import Nifi
from tests.provider.wire import CheckFailed, Resource, Wire

from .flows import (
    DATAFLOW,
    Tree,
    both_releases,
    dataflow,
    edit_by_hand,
    group_of,
    named,
    processors_of,
    run_by_hand,
    with_property,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # NiFi starts in 18 s, on a busy machine in a minute

NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME


@contextmanager
def created(wire: Wire, tree: Tree) -> Iterator[Resource]:
    """A dataflow, removed at the end."""
    made = wire.create(DATAFLOW, tree)
    try:
        yield made
    finally:
        wire.delete(made)


def running(server: Server, name: str) -> dict[str, str]:
    return {found: entity["component"]["state"] for found, entity in processors_of(server, name).items()}


@both_releases
def test_a_dataflow_is_created_runs_stays_unchanged_and_is_removed_drained(
    wire: Wire, server: Server, real_nifi: Nifi
) -> None:
    tree = dataflow(real_nifi.url, "journey")
    assert wire.preview(DATAFLOW, tree)["serverVersion"] == real_nifi.release.version
    assert named(server, "journey") == 0
    made = wire.create(DATAFLOW, tree)
    assert set(running(server, "journey").values()) == {"RUNNING"}
    assert (made.state["running"], made.state["stopped"], made.state["invalid"]) == (3, 0, 0)
    assert (made.state["health"], made.state["serverVersion"]) == ("healthy", real_nifi.release.version)
    group = group_of(server, "journey")
    assert group["component"]["comments"] == "alchemesh: aviation/flights/journey"
    assert wire.diff(made, tree).changes == NONE
    assert wire.engine.messages() == []
    wire.delete(made)
    assert named(server, "journey") == 0
    contexts = server.get("/flow/parameter-contexts")["parameterContexts"]
    assert [found for found in contexts if "journey" in found["component"]["name"]] == []


@both_releases
def test_a_changed_property_is_one_path_and_touches_one_processor(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    tree = dataflow(real_nifi.url, "changed")
    with created(wire, tree) as made:
        before = processors_of(server, "changed")
        other = with_property(tree, "batch", "Max Bin Age", "50 sec")
        answer = wire.diff(made, other)
        assert list(answer.detailedDiff) == ['processors.batch.variants[0].properties["Max Bin Age"]']
        assert list(answer.replaces) == []
        made.state = wire.update(made, other).state
        after = processors_of(server, "changed")
        assert after["batch"]["component"]["config"]["properties"]["Max Bin Age"] == "50 sec"
        assert set(running(server, "changed").values()) == {"RUNNING"}
        for name in ("make", "end"):
            assert after[name]["revision"] == before[name]["revision"], "it was not touched"


def test_changed_connections_are_applied_after_queues_drain(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    tree = dataflow(real_nifi.url, "rebuilt")
    with created(wire, tree) as made:
        group = group_of(server, "rebuilt")["id"]
        shorter = {
            **tree["processors"],
            "make": {**tree["processors"]["make"], "routes": {"success": ["end"]}},
        }
        del shorter["batch"]
        other = {**tree, "processors": shorter}
        made.state, made.inputs = wire.update(made, other).state, wire.check(DATAFLOW, other)
        assert set(running(server, "rebuilt")) == {"make", "end"}
        assert set(running(server, "rebuilt").values()) == {"RUNNING"}
        assert group_of(server, "rebuilt")["id"] == group
        assert wire.diff(made, other).changes == NONE


@both_releases
def test_secrets_are_written_compared_and_never_shown(
    wire: Wire, server: Server, real_nifi: Nifi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIFI_TEST_PASSWORD", "first-value-of-it")
    tree = dataflow(
        real_nifi.url,
        "secretive",
        sensitiveParameters={"password": {"secret": "NIFI_TEST_PASSWORD"}, "key": Secret("a-key-in-the-state")},
    )
    with created(wire, tree) as made:
        assert isinstance(made.state["digests"], Secret)
        assert not isinstance(made.state["health"], Secret)
        assert "first-value-of-it" not in str(reveal(made.state))
        assert wire.diff(made, tree).changes == NONE
        monkeypatch.setenv("NIFI_TEST_PASSWORD", "second-value-of-it")
        answer = wire.diff(made, tree)
        assert (answer.changes, list(answer.detailedDiff)) == (SOME, ["sensitiveParameters"])
        assert wire.engine.messages() == ["sensitive parameters have new values: password"]
        made.state = wire.update(made, tree).state
        assert wire.diff(made, tree).changes == NONE
        context = made.state["contextVersion"]
        by_hand(server, "secretive", "password", "somebody's own")
        assert list(wire.diff(made, tree).detailedDiff) == ["sensitiveParameters"]
        made.state = wire.update(made, tree).state
        assert int(str(made.state["contextVersion"])) > int(str(context))
        assert wire.diff(made, tree).changes == NONE


def by_hand(server: Server, name: str, parameter: str, value: str) -> None:
    """Change a sensitive parameter on the screen."""
    reference = group_of(server, name)["component"]["parameterContext"]["id"]
    context = server.get(f"/parameter-contexts/{reference}")
    change = {"parameter": {"name": parameter, "value": value, "sensitive": True}}
    body = {"revision": context["revision"], "id": reference, "component": {"id": reference, "parameters": [change]}}
    path = f"/parameter-contexts/{reference}/update-requests"
    request = server.post(path, body)["request"]["requestId"]
    assert server.wait(lambda: server.get(f"{path}/{request}")["request"], lambda found: found["complete"])["complete"]


def test_a_stopped_processor_is_drift_and_is_restarted(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    tree = dataflow(real_nifi.url, "stopped")
    with created(wire, tree) as made:
        run_by_hand(server, "stopped", "end", "STOPPED")
        answer = wire.diff(made, tree)
        assert (answer.changes, list(answer.detailedDiff)) == (SOME, ["state"])
        assert "state: found processor end stopped, declared running" in wire.engine.messages()[0]
        found = wire.read(made)
        assert found is not None
        assert (found.inputs["state"], found.state["stopped"]) == ("stopped", 1)
        wire.update(made, tree)
        assert set(running(server, "stopped").values()) == {"RUNNING"}


def test_a_processor_that_was_disabled_by_hand_is_enabled_and_started(
    wire: Wire, server: Server, real_nifi: Nifi
) -> None:
    """NiFi does not start a disabled one: each `up` and each delete once waited for two minutes and failed."""
    tree = dataflow(real_nifi.url, "disabled")
    with created(wire, tree) as made:
        disable_by_hand(server, "disabled", "end")
        assert list(wire.diff(made, tree).detailedDiff) == ["state"]
        assert "state: found processor end disabled, declared running" in wire.engine.messages()[0]
        other = with_property(tree, "end", "Log Level", "info")
        made.state, made.inputs = wire.update(made, other).state, wire.check(DATAFLOW, other)
        assert set(running(server, "disabled").values()) == {"RUNNING"}
        assert wire.diff(made, other).changes == NONE
        disable_by_hand(server, "disabled", "end")
    assert named(server, "disabled") == 0


def disable_by_hand(server: Server, name: str, processor: str) -> None:
    """Forbid a processor to start, on the screen."""
    for state in ("STOPPED", "DISABLED"):
        run_by_hand(server, name, processor, state)


@both_releases
def test_a_manual_edit_is_reported_by_property_and_corrected(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    tree = dataflow(real_nifi.url, "edited")
    with created(wire, tree) as made:
        edit_by_hand(
            server,
            "edited",
            "make",
            {"properties": {"generate-ff-custom-text": "mine", "Batch Size": "2"}, "schedulingPeriod": "5 sec"},
        )
        answer = wire.diff(made, tree)
        assert (answer.changes, list(answer.detailedDiff)) == (SOME, ["processors"])
        said = wire.engine.messages()[0]
        assert "processors.make.properties.Custom Text: found mine, declared #{text}" in said
        assert "processors.make.properties.Batch Size: found 2, declared 1" in said
        assert "processors.make.schedule: found 5 sec, declared 200 ms" in said
        found = wire.read(made)
        assert found is not None
        made.inputs, made.state = found.inputs, found.state
        paths = sorted(wire.diff(made, tree).detailedDiff)
        assert paths == [
            "processors.make.schedule",
            'processors.make.variants[1].properties["Batch Size"]',
            'processors.make.variants[1].properties["Custom Text"]',
        ]
        made.state = wire.update(made, tree).state
        made.inputs = wire.check(DATAFLOW, tree)
        assert wire.diff(made, tree).changes == NONE


def test_a_dataflow_deleted_by_hand_is_detected_and_re_created(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    tree = dataflow(real_nifi.url, "deleted")
    with created(wire, tree) as made:
        wire.delete(made)
        assert wire.read(made) is None
        answer = wire.diff(made, tree)
        assert (answer.changes, list(answer.detailedDiff)) == (SOME, ["name"])
        wire.update(made, tree)
        assert set(running(server, "deleted").values()) == {"RUNNING"}


def test_data_that_cannot_drain_is_an_error_and_not_lost(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    tree = dataflow(real_nifi.url, "held", drainSeconds=3.0)
    stuck = {**tree["processors"]["batch"], "when_draining": {}}
    tree["processors"]["batch"] = stuck
    made = wire.create(DATAFLOW, tree)
    server.wait(lambda: queued(server, "held"), lambda count: count > 3)
    with pytest.raises(grpc.RpcError) as failed:
        wire.delete(made)
    reported = failed.value.details()
    assert "dataflow 'held' still has" in reported
    assert "flow files queued after 3 s, before batch" in reported
    assert "hint: nothing is lost" in reported
    held = queued(server, "held")
    assert held > 3
    assert running(server, "held")["make"] == "STOPPED"
    # The next deployment resumes: the source runs again, and no queued data is lost.
    made.state = wire.update(made, tree).state
    assert queued(server, "held") >= held
    better = dataflow(real_nifi.url, "held")
    made.state, made.inputs = wire.update(made, better).state, wire.check(DATAFLOW, better)
    wire.delete(made)
    assert named(server, "held") == 0


def queued(server: Server, name: str) -> int:
    return int(group_of(server, name)["status"]["aggregateSnapshot"]["flowFilesQueued"])


def test_a_taken_name_is_reported_before_anything_is_created(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    theirs = {"revision": {"version": 0}, "component": {"name": "taken", "position": {"x": 0, "y": 0}}}
    group = server.post("/process-groups/root/process-groups", theirs)
    with pytest.raises(grpc.RpcError) as failed:
        wire.preview(DATAFLOW, dataflow(real_nifi.url, "taken"))
    assert "has a process group 'taken' that is not of aviation/flights/taken" in failed.value.details()
    assert "hint: rename or remove it" in failed.value.details()
    server.delete(f"/process-groups/{group['id']}", group["revision"])


@both_releases
def test_a_preview_reports_a_type_without_a_bundle_with_the_bundles(wire: Wire, real_nifi: Nifi) -> None:
    tree = dataflow(real_nifi.url, "missing")
    tree["processors"]["make"]["variants"] = [
        {"type": "org.apache.nifi.kafka.processors.ConsumeKafka"},
        {"type": "org.apache.nifi.processors.kafka.pubsub.ConsumeKafka_2_6"},
    ]
    with pytest.raises(grpc.RpcError) as failed:
        wire.preview(DATAFLOW, tree)
    assert f"NiFi {real_nifi.release.version} at" in failed.value.details()
    assert "has no type for processor 'make'" in failed.value.details()
    bundle = {"1": "nifi-kafka-2-6-nar", "2": "nifi-kafka-nar"}[real_nifi.release.major]
    assert f"extensions folder: {bundle}" in failed.value.details(), "the one of this version"


def test_an_invalid_processor_is_reported_with_nifis_message_and_nothing_starts(
    wire: Wire, server: Server, real_nifi: Nifi
) -> None:
    tree = with_property(dataflow(real_nifi.url, "invalid"), "batch", "Max Bin Age", "soon")
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(DATAFLOW, tree)
    assert "dataflow 'invalid' cannot start: processor 'batch':" in failed.value.details()
    assert "Max Bin Age" in failed.value.details()
    assert "RUNNING" not in running(server, "invalid").values()
    with created(wire, dataflow(real_nifi.url, "invalid")):  # after the fix the next run resumes
        assert named(server, "invalid") == 1


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"server": "nifi.example"}, "server"),
        ({"processors": {}}, "processors"),
        ({"parameters": {"a b/c": "x"}}, "parameters"),
        ({"parameters": {"password": "in the clear"}}, "parameters.password"),
        ({"processors": {"a": {"variants": [], "routes": {}}}}, "processors.a.variants"),
        ({"processors": {"a.b": {"variants": [{"type": "x"}]}}}, 'processors["a.b"]'),
        (
            {"processors": {"a": {"variants": [{"type": "x"}], "routes": {"success": ["b"]}}}},
            "processors.a.routes.success",
        ),
        (
            {"processors": {"a": {"variants": [{"type": "x", "properties": {"p": {"service": "s"}}}]}}},
            "processors.a.variants[0].properties.p",
        ),
        ({"state": "paused"}, "state"),
        ({"drainSeconds": 0}, "drainSeconds"),
    ],
)
def test_a_wrong_dataflow_is_refused_at_its_property(wire: Wire, wrong: Tree, at: str) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.check(DATAFLOW, {**dataflow("http://127.0.0.1:1/nifi-api", "wrong"), **wrong})
    assert list(refused.value.failures) == [at]


def test_a_creation_resumes_after_nifi_is_killed(wire: Wire, server: Server, real_nifi: Nifi) -> None:
    tree = dataflow(real_nifi.url, "interrupted")
    with ThreadPoolExecutor(1) as pool:
        creation = pool.submit(wire.create, DATAFLOW, tree)
        server.wait(lambda: named(server, "interrupted"), lambda count: count == 1)
        real_nifi.kill()
        real_nifi.start()
        try:
            creation.result()  # it waited for the restart
        except grpc.RpcError as failed:
            # Or a request was interrupted, or NiFi was killed before it wrote the creation to disk: which of
            # them depends on the moment of the kill. test_server_faults.py tests each alone.
            reported = failed.details() or ""
            assert "does not answer" in reported or "went away while it was worked on" in reported, reported
    with created(wire, tree) as made:
        assert named(server, "interrupted") == 1
        assert set(running(server, "interrupted").values()) == {"RUNNING"}
        assert wire.diff(made, tree).changes == NONE
