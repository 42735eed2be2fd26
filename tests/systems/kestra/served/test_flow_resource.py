"""The flow resource, called as by the engine, against a real Kestra engine."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.systems.kestra.client import Kestra
from alchemesh_platform.systems.kestra.source import delivered
from parts.kestra import Kestra as Server
from tests.provider.wire import CheckFailed, Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # Kestra starts in 8 s, on a busy machine in a minute

FLOW = "alchemesh:kestra:Flow"
NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
TEXT = "id: {id}\ntasks:\n  - id: hello\n    type: io.kestra.plugin.core.log.Log\n    message: {message}\n"


def declared(
    server: Server, flow: str, text: str | None = None, *, message: str = "Hello", owner: str = "local:a/b/code"
) -> dict[str, Any]:
    made = delivered(
        text or TEXT.format(id=flow, message=message), namespace="aviation.flights", labels={"alchemesh-owner": owner}
    )
    return {
        "server": {"address": server.url},
        "namespace": "aviation.flights",
        "flow": flow,
        "owner": owner,
        "source": made.source,
        "file": "flows/hello.yaml",
    }


def test_a_flow_is_created_stays_unchanged_is_corrected_and_deleted(
    wire: Wire, client: Kestra, kestra_server: Server
) -> None:
    tree = declared(kestra_server, "journey")
    wire.preview(FLOW, tree)
    assert client.flow("aviation.flights", "journey") is None
    made = wire.create(FLOW, tree)
    assert (made.state["revision"], made.state["serverVersion"]) == (1, "2.0.0")
    assert wire.diff(made, tree).changes == NONE
    assert wire.engine.messages() == []

    other = declared(kestra_server, "journey", message="Good evening")
    assert wire.diff(made, other).changes == SOME
    made.state, made.inputs = wire.update(made, other).state, wire.check(FLOW, other, made.inputs)
    assert made.state["revision"] == 2
    assert wire.diff(made, other).changes == NONE

    client.update("aviation.flights", "journey", other["source"].replace("Good evening", "Good night"))
    assert wire.diff(made, other).changes == SOME
    assert wire.engine.messages()[-1].startswith("flow aviation.flights.journey was changed in Kestra; `up` corrects")
    made.state = wire.update(made, other).state
    found = client.flow("aviation.flights", "journey")
    assert found is not None
    assert "Good evening" in found.source

    client.delete("aviation.flights", "journey")
    assert wire.diff(made, other).changes == SOME
    assert wire.read(made) is None
    made.state = wire.update(made, other).state
    wire.delete(made)
    assert client.flow("aviation.flights", "journey") is None
    wire.delete(made)


def test_a_flow_that_somebody_else_created_is_refused_and_stays(
    wire: Wire, client: Kestra, kestra_server: Server
) -> None:
    client.create(TEXT.format(id="theirs", message="Mine") + "namespace: aviation.flights\n")
    with pytest.raises(CheckFailed) as raised:
        wire.create(FLOW, declared(kestra_server, "theirs"))
    assert raised.value.failures == {
        "flow": "flow aviation.flights.theirs in Kestra was not created by Alchemesh; rename it there, or set another "
        "`flow_id`, or `namespace` in settings.kestra"
    }
    found = client.flow("aviation.flights", "theirs")
    assert found is not None
    assert "message: Mine" in found.source


def test_a_flow_of_another_environment_is_refused_and_stays_when_ours_ends(
    wire: Wire, client: Kestra, kestra_server: Server
) -> None:
    made = wire.create(FLOW, declared(kestra_server, "shared"))
    others = declared(kestra_server, "shared", owner="prod:a/b/code")
    with pytest.raises(CheckFailed) as raised:
        wire.create(FLOW, others)
    assert "flow aviation.flights.shared in Kestra belongs to local:a/b/code" in raised.value.failures["flow"]
    client.update("aviation.flights", "shared", others["source"])
    wire.delete(made)
    assert client.flow("aviation.flights", "shared") is not None


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("message: Hello", "mesage: Hello"),
        ("core.log.Log", "core.log.Nothing"),
    ],
)
def test_kestras_own_words_name_the_line_of_the_file(
    wire: Wire, client: Kestra, kestra_server: Server, wrong: str, line: str
) -> None:
    text = TEXT.format(id="wrong", message="Hello").replace(wrong, line)
    number = next(number for number, each in enumerate(text.splitlines(), 1) if line in each)
    with pytest.raises(CheckFailed) as raised:
        wire.create(FLOW, declared(kestra_server, "wrong", text))
    said = raised.value.failures["source"]
    assert said.startswith(f"flows/hello.yaml:{number}: ")
    assert 'Unrecognized field "mesage"' in said or "Invalid type: io.kestra.plugin.core.log.Nothing" in said
    assert client.flow("aviation.flights", "wrong") is None


def test_a_server_that_is_down_is_left_to_the_step(wire: Wire, kestra_server: Server) -> None:
    tree = {**declared(kestra_server, "down"), "server": {"address": f"http://127.0.0.1:{free_port('127.0.0.1')}"}}
    wire.check(FLOW, tree)
    with pytest.raises(grpc.RpcError) as raised:
        wire.create(FLOW, tree)
    said = str(raised.value)
    assert f"Kestra at {tree['server']['address']} does not answer" in said
    assert "start it, or correct settings.kestra.address in the platform file" in said
