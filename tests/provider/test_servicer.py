"""The provider's services for every resource: errors, secrets, cancellation, parallel work, configuration."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from alchemesh_platform import __version__
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, commands_of, remedy, split_hint
from alchemesh_platform.provider.catalog import HANDLERS
from alchemesh_platform.provider.handler import Context, Handler, Handlers, Unfinished
from alchemesh_platform.provider.inputs import Properties
from alchemesh_platform.provider.serve.attach import serve_attached
from alchemesh_platform.provider.serve.provider import AlchemeshProvider
from alchemesh_platform.provider.values import Secret, decode_map, encode_map
from tests.systems.mesh.test_records import PORT
from tests.waiting import LONGEST

from .wire import Wire, connected, urn

SLOW = "test:it:Slow"


class SlowInputs(Properties):
    name: str
    act: str = "wait"


class SlowOutputs(Properties):
    greeting: str


class SlowHandler(Handler[SlowInputs, SlowOutputs]):
    """A resource that takes its time, or fails in a configured way."""

    pulumi_type = SLOW
    summary = "A resource for tests."
    inputs = SlowInputs
    outputs = SlowOutputs

    def __init__(self) -> None:
        self.together = threading.Barrier(8, timeout=LONGEST)
        self.started = threading.Event()

    def identify(self, inputs: SlowInputs) -> str:
        return inputs.name

    def plan(self, inputs: SlowInputs, old: SlowOutputs | None, context: Context) -> Mapping[str, Any]:
        return {}

    def create(self, inputs: SlowInputs, context: Context) -> SlowOutputs:
        self.started.set()
        if inputs.act == "meet":
            self.together.wait()
        if inputs.act == "wait":
            context.stop.wait(5 * LONGEST)
            raise Failure("it was not finished")
        if inputs.act == "fail":
            raise Failure("it is not possible", hint="do something else")
        if inputs.act == "suggest":
            raise Failure("it is not possible", hint=remedy("run {} first", command("up", environment="prod")))
        if inputs.act == "begin":
            raise Unfinished("it is half there", hint="mend it", outputs={"greeting": "hello"})
        if inputs.act == "stop":
            context.stop.wait(5 * LONGEST)
            raise Unfinished("it is half there")
        if inputs.act == "break":
            raise ZeroDivisionError("division by zero")
        return SlowOutputs(greeting=f"hello {inputs.name}")

    def read(self, inputs: SlowInputs, outputs: SlowOutputs, context: Context) -> tuple[SlowInputs, SlowOutputs] | None:
        return inputs, outputs

    def update(self, inputs: SlowInputs, old_inputs: SlowInputs, outputs: SlowOutputs, context: Context) -> SlowOutputs:
        return self.create(inputs, context)

    def delete(self, inputs: SlowInputs, outputs: SlowOutputs, context: Context) -> None: ...


@contextmanager
def other_provider(folder: Path, provider: AlchemeshProvider) -> Iterator[Wire]:
    """A connection to a provider with its own configuration."""
    with (
        connected(folder) as usual,
        serve_attached(provider) as served,
        grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel,
    ):
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        yield Wire(stub, usual.registry, folder, provider, usual.engine, channel)
    provider.close()


@pytest.fixture
def slow(tmp_path: Path) -> Any:
    handler = SlowHandler()
    with connected(tmp_path, Handlers({SLOW: handler})) as wire:
        yield wire, handler


def test_a_failure_has_a_message_and_a_hint_and_leaves_no_pending_operation(slow: tuple[Wire, SlowHandler]) -> None:
    wire, _ = slow
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(SLOW, {"name": "a", "act": "fail"})
    assert failed.value.details() == "it is not possible\n\nhint: do something else"
    # The engine keeps a pending operation after these three codes.
    assert failed.value.code() not in (
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.DATA_LOSS,
    )


def test_a_failure_carries_the_commands_of_its_hint(slow: tuple[Wire, SlowHandler]) -> None:
    wire, _ = slow
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(SLOW, {"name": "a", "act": "suggest"})
    sentence, hint = split_hint(failed.value.details() or "")
    assert (sentence, hint) == ("it is not possible", "run `alchemesh up -e prod` first")
    assert commands_of(hint) == [["alchemesh", "up", "-e", "prod"]]


def test_a_partial_creation_is_recorded_with_its_secrets_and_its_failure(
    slow: tuple[Wire, SlowHandler],
) -> None:
    wire, _ = slow
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(SLOW, {"name": Secret("a"), "act": "begin"})
    assert failed.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    record = recorded(failed.value)
    assert (record.id, list(record.reasons)) == ("a", ["it is half there\n\nhint: mend it"])
    properties = decode_map(record.properties)
    assert properties == {"name": Secret("a"), "act": "begin", "greeting": Secret("hello")}


def test_a_cancelled_creation_is_recorded_too(slow: tuple[Wire, SlowHandler]) -> None:
    wire, handler = slow
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(wire.create, SLOW, {"name": "a", "act": "stop"})
        assert handler.started.wait(LONGEST)
        wire.stub.Cancel(empty_pb2.Empty())
        failed = creating.exception(LONGEST)
    assert isinstance(failed, grpc.RpcError)
    assert recorded(failed).id == "a"


def recorded(failed: Any) -> Any:
    """The engine's record of a resource whose creation failed."""
    (details,) = (value for name, value in failed.trailing_metadata() if name == "grpc-status-details-bin")
    (found,) = status_pb2.Status.FromString(details).details
    record = provider_pb2.ErrorResourceInitFailed()
    assert found.Unpack(record)
    return record


def test_an_internal_error_is_a_message_with_its_traceback_in_the_debug_log(
    slow: tuple[Wire, SlowHandler],
) -> None:
    wire, _ = slow
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(SLOW, {"name": "a", "act": "break"})
    assert failed.value.details().startswith("unexpected ZeroDivisionError: division by zero\n\nhint: ")
    assert "Traceback" not in failed.value.details()
    ((severity, message, where),) = wire.engine.said
    assert (severity, where) == (engine_pb2.DEBUG, urn(SLOW))
    assert "Traceback" in message


def test_blocking_work_runs_in_parallel(slow: tuple[Wire, SlowHandler]) -> None:
    """Each of the eight waits for the seven others: run in sequence, none would end."""
    wire, _ = slow
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: wire.create(SLOW, {"name": f"n{n}", "act": "meet"}, name=f"n{n}"), range(8)))
    assert len({resource.id for resource in made}) == 8


def test_cancelling_stops_running_operations(slow: tuple[Wire, SlowHandler]) -> None:
    wire, handler = slow
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(wire.create, SLOW, {"name": "a", "act": "wait"})
        assert handler.started.wait(LONGEST)
        wire.stub.Cancel(empty_pb2.Empty())
        failed = creating.exception(LONGEST)
    assert isinstance(failed, grpc.RpcError)
    assert failed.code() == grpc.StatusCode.CANCELLED
    assert failed.details() == "stopped: it was not finished"
    assert wire.create(SLOW, {"name": "b", "act": "go"}).state["greeting"] == "hello b"


def test_a_time_limit_stops_a_running_operation(slow: tuple[Wire, SlowHandler]) -> None:
    wire, _ = slow
    started = time.monotonic()
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(SLOW, {"name": "a", "act": "wait"}, timeout=0.2)
    assert failed.value.code() == grpc.StatusCode.CANCELLED
    assert time.monotonic() - started < LONGEST


def test_values_computed_from_a_secret_are_secret(slow: tuple[Wire, SlowHandler]) -> None:
    wire, _ = slow
    made = wire.create(SLOW, {"name": Secret("hunter2"), "act": "go"})
    assert made.state["name"] == Secret("hunter2")
    assert made.state["greeting"] == Secret("hello hunter2")
    assert wire.read(made) == made


def test_an_unknown_type_is_reported_with_the_known_types(wire: Wire) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        wire.check("alchemesh:mesh:Planet", {})
    assert "there is no resource type alchemesh:mesh:Planet" in failed.value.details()
    assert "alchemesh:mesh:Product" in failed.value.details()


def test_importing_names_the_alternative(wire: Wire) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        wire.stub.Read(provider_pb2.ReadRequest(id="local:a/b", urn=urn("alchemesh:mesh:Product")))
    assert "declare it: `up` adopts an existing resource" in failed.value.details()


def test_the_provider_accepts_secrets_and_previews(wire: Wire) -> None:
    handshake = wire.stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    configured = wire.stub.Configure(provider_pb2.ConfigureRequest())
    assert (handshake.accept_secrets, configured.acceptSecrets, configured.supportsPreview) == (True, True, True)
    assert (handshake.accept_outputs, configured.acceptOutputs) == (False, False)


def test_the_provider_reports_its_version(wire: Wire) -> None:
    assert wire.stub.GetPluginInfo(empty_pb2.Empty()).version == __version__


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Invoke", provider_pb2.InvokeRequest(tok="a:b:c")),
        ("Call", provider_pb2.CallRequest(tok="a:b:c")),
        ("Construct", provider_pb2.ConstructRequest(type="a:b:c")),
        ("Parameterize", provider_pb2.ParameterizeRequest()),
        ("GetMapping", provider_pb2.GetMappingRequest(key="terraform")),
    ],
)
def test_unsupported_calls_are_unimplemented(wire: Wire, method: str, request_: Any) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        getattr(wire.stub, method)(request_)
    assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_the_registry_can_be_configured_as_a_secret(tmp_path: Path) -> None:
    provider = AlchemeshProvider(HANDLERS)
    with other_provider(tmp_path, provider) as wire:
        with pytest.raises(grpc.RpcError, match="ALCHEMESH_REGISTRY"):
            wire.create("alchemesh:mesh:Port", PORT)
        address = Secret(f"sqlite:///{tmp_path / 'registry.db'}")
        wire.stub.Configure(provider_pb2.ConfigureRequest(args=encode_map({"registry": address})))
        wire.create("alchemesh:mesh:Port", PORT)


def test_an_unknown_setting_is_refused_and_a_changed_one_replaces_nothing(wire: Wire) -> None:
    where = "urn:pulumi:local::p::pulumi:providers:alchemesh::default"
    news = encode_map({"registry": "sqlite:///x", "regsitry": "y"})
    answer = wire.stub.CheckConfig(provider_pb2.CheckRequest(urn=where, news=news))
    assert [failure.property for failure in answer.failures] == ["regsitry"]
    answer = wire.stub.DiffConfig(
        provider_pb2.DiffRequest(
            urn=where, old_inputs=encode_map({"registry": "a"}), news=encode_map({"registry": "b"})
        )
    )
    assert (answer.changes, list(answer.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])


def test_an_unusable_registry_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"no database at all, whatever else it may be" * 30)
    provider = AlchemeshProvider(HANDLERS, f"sqlite:///{tmp_path / 'bad.db'}")
    with other_provider(tmp_path, provider) as wire, pytest.raises(grpc.RpcError) as failed:
        wire.create("alchemesh:mesh:Port", PORT)
    assert "is not a registry" in failed.value.details()
    assert "hint:" in failed.value.details()


def test_the_schema_names_every_resource_with_its_properties(wire: Wire) -> None:
    schema = json.loads(wire.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    assert set(schema["resources"]) == set(HANDLERS.by_type)
    api = schema["resources"]["alchemesh:local:DataApi"]
    assert {"httpPort", "endpoints"} <= set(api["required"])
    assert "httpPort" not in api["requiredInputs"]
    column = schema["resources"]["alchemesh:local:DeltaTable"]["inputProperties"]["columns"]["items"]["$ref"]
    assert column == "#/types/alchemesh:local:Column"
    references = set()

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            references.update({part["$ref"]} if str(part.get("$ref", "")).startswith("#/types/") else set())
            for inner in part.values():
                collect(inner)
        elif isinstance(part, list):
            for inner in part:
                collect(inner)

    collect(schema)
    assert {reference.removeprefix("#/types/") for reference in references} <= set(schema["types"])
