"""The engine as a provider sees it while it constructs a component: a monitor that registers resources."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from alchemesh_platform.provider.catalog import HANDLERS, installed_components
from alchemesh_platform.provider.serve.attach import serve_attached
from alchemesh_platform.provider.serve.provider import AlchemeshProvider
from alchemesh_platform.provider.values import decode_map, encode_map
from tests.provider.wire import Engine

PARENT = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
SETTINGS = {"local": {"root": "/data", "run": "/run/alchemesh"}}
ORDER = {"order": {"properties": {"order_id": {"type": "string", "key": True}, "amount": {"type": "number"}}}}


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Registers every resource, and answers with the outputs of its type."""

    def __init__(self) -> None:
        self.registered: list[Any] = []
        self.outputs: dict[str, Mapping[str, Any]] = {}
        self.computed: dict[str, Mapping[str, Any]] = {}
        self.failing: set[str] = set()
        self.gate = threading.Event()  # registrations of children wait for it
        self.gate.set()
        self.waiting = threading.Semaphore(0)

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:
        return resource_pb2.DeploymentInfo(supportedFeatures=resource_pb2.ResourceMonitorFeature.values())

    def RegisterResource(self, request: Any, context: Any) -> Any:
        self.registered.append(request)
        if request.custom:
            self.waiting.release()
            self.gate.wait()
        if request.name in self.failing:
            return resource_pb2.RegisterResourceResponse(result=resource_pb2.Result.FAIL)
        state = {**decode_map(request.object), **self.computed.get(request.type, {})}
        parent = request.parent.split("::")[2].removeprefix("pulumi:pulumi:Stack") if request.parent else ""
        type_ = f"{parent}${request.type}".lstrip("$")
        return resource_pb2.RegisterResourceResponse(
            urn=f"urn:pulumi:dev::shop::{type_}::{request.name}",
            id=f"{request.name}-id" if request.custom else "",
            object=encode_map(state),
        )

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        self.outputs[request.urn.rpartition("::")[2]] = decode_map(request.outputs)
        return empty_pb2.Empty()

    def children(self) -> dict[str, Any]:
        """The registered resources of providers, by name."""
        return {request.name: request for request in self.registered if request.custom}

    def components(self) -> dict[str, Any]:
        """The registered components, by name."""
        return {request.name: request for request in self.registered if not request.custom}


@dataclass
class Constructing:
    """A provider that constructs components, with the engine around it."""

    stub: Any
    monitor: Monitor
    engine: Engine
    address: str
    provider: AlchemeshProvider = field(repr=False)

    def construct(self, type_: str, name: str, inputs: Mapping[str, Any], **options: Any) -> Any:
        """The response of the provider."""
        request = provider_pb2.ConstructRequest(
            **{
                "project": "shop",
                "stack": "dev",
                "monitorEndpoint": self.address,
                "parallel": 4,
                "type": f"alchemesh:components:{type_}",
                "name": name,
                "parent": PARENT,
                "inputs": encode_map(inputs),
                **options,
            }
        )
        return self.stub.Construct(request)

    def refused(self, type_: str, name: str, inputs: Mapping[str, Any], **options: Any) -> Refused:
        """The error of a construction that fails."""
        try:
            self.construct(type_, name, inputs, **options)
        except grpc.RpcError as error:
            return Refused(error)
        raise AssertionError(f"{name} is constructed")


class Refused:
    """The error of a construction: its sentence, and the reason of each property."""

    def __init__(self, error: Any) -> None:
        from pulumi.runtime.proto import errors_pb2, status_pb2

        self.code: grpc.StatusCode = error.code()
        self.message: str = error.details()
        self.properties: dict[str, str] = {}
        for key, value in error.trailing_metadata():
            if key == "grpc-status-details-bin":
                status = status_pb2.Status.FromString(value)
                for detail in status.details:
                    problems = errors_pb2.InputPropertiesError()
                    if detail.Unpack(problems):
                        self.properties |= {each.property_path: each.reason for each in problems.errors}


@contextmanager
def constructing() -> Iterator[Constructing]:
    """A provider, attached to an engine that registers everything."""
    monitor, engine = Monitor(), Engine()
    server = grpc.server(ThreadPoolExecutor(64))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    provider = AlchemeshProvider(HANDLERS, components=installed_components())
    try:
        with serve_attached(provider) as served, grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Attach(plugin_pb2.PluginAttach(address=address))
            yield Constructing(stub, monitor, engine, address, provider)
    finally:
        provider.close()
        server.stop(None).wait()
