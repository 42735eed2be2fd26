"""Calls to the provider as the engine makes them: over gRPC, with protocol buffers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.provider.catalog import HANDLERS
from alchemesh_platform.provider.handler import Handlers
from alchemesh_platform.provider.serve.attach import serve_attached
from alchemesh_platform.provider.serve.provider import AlchemeshProvider
from alchemesh_platform.provider.values import decode_map, encode_map
from alchemesh_platform.registry.store import Registry
from tests.registry.migrated import copy_registry

Tree = Mapping[str, Any]


@dataclass
class Resource:
    """The engine's record of a resource between calls."""

    urn: str
    id: str
    inputs: Tree
    state: Tree


class CheckFailed(Exception):
    """A check refused inputs; carries each property and reason."""

    def __init__(self, failures: dict[str, str]) -> None:
        self.failures = failures
        super().__init__(str(failures))


class Engine(engine_pb2_grpc.EngineServicer):
    """The part of the engine that providers call: it stores each message."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str, str]] = []

    def Log(self, request: Any, context: Any) -> Any:
        self.said.append((request.severity, request.message, request.urn))
        return empty_pb2.Empty()

    def messages(self) -> list[str]:
        """Received messages, except debug messages."""
        return [message for severity, message, _ in self.said if severity > 0]


@dataclass
class Wire:
    """A connection to a provider."""

    stub: Any
    registry: Registry
    folder: Path
    provider: AlchemeshProvider
    engine: Engine
    channel: grpc.Channel = field(repr=False)
    stack: str = "local"

    def urn(self, type_: str, name: str = "it") -> str:
        """The URN that the engine would give."""
        return urn(type_, name, self.stack)

    def check(self, type_: str, inputs: Tree, old: Tree | None = None, name: str = "it") -> Tree:
        """Inputs with defaults. Raises CheckFailed."""
        answer = self.stub.Check(
            provider_pb2.CheckRequest(urn=self.urn(type_, name), olds=encode_map(old or {}), news=encode_map(inputs))
        )
        if answer.failures:
            raise CheckFailed({failure.property: failure.reason for failure in answer.failures})
        return decode_map(answer.inputs)

    def preview(self, type_: str, inputs: Tree) -> Tree:
        """The known part of the state after a creation."""
        checked = self.check(type_, inputs)
        request = provider_pb2.CreateRequest(urn=self.urn(type_), properties=encode_map(checked), preview=True)
        return decode_map(self.stub.Create(request).properties)

    def create(self, type_: str, inputs: Tree, name: str = "it", timeout: float = 0) -> Resource:
        """Check and create."""
        checked = self.check(type_, inputs, name=name)
        request = provider_pb2.CreateRequest(
            urn=self.urn(type_, name), properties=encode_map(checked), timeout=timeout, preview=False
        )
        answer = self.stub.Create(request)
        return Resource(self.urn(type_, name), answer.id, checked, decode_map(answer.properties))

    def diff(self, resource: Resource, inputs: Tree) -> Any:
        """The provider's difference for new inputs."""
        checked = self.check(_type(resource), inputs, resource.inputs)
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                id=resource.id,
                urn=resource.urn,
                olds=encode_map(resource.state),
                old_inputs=encode_map(resource.inputs),
                news=encode_map(checked),
            )
        )

    def update(self, resource: Resource, inputs: Tree, *, preview: bool = False) -> Resource:
        """Check and update."""
        checked = self.check(_type(resource), inputs, resource.inputs)
        answer = self.stub.Update(
            provider_pb2.UpdateRequest(
                id=resource.id,
                urn=resource.urn,
                olds=encode_map(resource.state),
                old_inputs=encode_map(resource.inputs),
                news=encode_map(checked),
                preview=preview,
            )
        )
        return Resource(resource.urn, resource.id, checked, decode_map(answer.properties))

    def read(self, resource: Resource) -> Resource | None:
        """Refresh."""
        answer = self.stub.Read(
            provider_pb2.ReadRequest(
                id=resource.id,
                urn=resource.urn,
                properties=encode_map(resource.state),
                inputs=encode_map(resource.inputs),
            )
        )
        if not answer.id:
            return None
        return Resource(resource.urn, answer.id, decode_map(answer.inputs), decode_map(answer.properties))

    def delete(self, resource: Resource) -> None:
        """Remove."""
        self.stub.Delete(
            provider_pb2.DeleteRequest(
                id=resource.id,
                urn=resource.urn,
                properties=encode_map(resource.state),
                old_inputs=encode_map(resource.inputs),
            )
        )


@contextmanager
def connected(
    folder: Path,
    handlers: Handlers = HANDLERS,
    *,
    delete_data: bool = False,
    actor: str | None = None,
    stack: str = "local",
    stack_folder: Path | None = None,
) -> Iterator[Wire]:
    """A served provider, with a registry in the folder, attached to an engine."""
    folder.mkdir(exist_ok=True)
    copy_registry(folder / "registry.db")
    address = f"sqlite:///{folder / 'registry.db'}"
    engine = Engine()
    server = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    engine_port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    provider = AlchemeshProvider(handlers, address, delete_data=delete_data, actor=actor, stack_folder=stack_folder)
    try:
        with (
            patch.dict(os.environ, {HOME_VARIABLE: str(folder / "home")}),  # where ports of servers are reserved
            Registry.open(address) as registry,
            serve_attached(provider) as served,
            grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel,
        ):
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Attach(plugin_pb2.PluginAttach(address=f"127.0.0.1:{engine_port}"))
            yield Wire(stub, registry, folder, provider, engine, channel, stack)
    finally:
        provider.close()
        server.stop(None).wait()


def urn(type_: str, name: str = "it", stack: str = "local") -> str:
    """The URN that the engine would give."""
    return f"urn:pulumi:{stack}::aviation.flights::alchemesh:components:thing${type_}::{name}"


def _type(resource: Resource) -> str:
    return resource.urn.split("::")[2].rpartition("$")[2]
