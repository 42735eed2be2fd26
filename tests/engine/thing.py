"""A provider for tests: things are files in a folder, and a test decides when and how a creation ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import proto
from pulumi.runtime.proto import ResourceProviderServicer, provider_pb2_grpc

PACKAGE = "test"
TYPE = "test:index:Thing"
GATE_SECONDS = 180.0  # a guard against hanging: the test may open a gate late on a busy machine
REPLACED_BY = "kind"  # a property whose change replaces the thing


class Thing(pulumi.CustomResource):
    """A file in the provider's folder.

    Args:
        props: ``fail``: the error of its creation; ``fail_once``: the same, the first time only; ``gate``: a file
            for which it waits; ``delete_gate``: the same for its deletion; ``delete_fail``: the error
            of its deletion. All other properties are the thing's content.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **props: Any) -> None:
        super().__init__(TYPE, name, props, opts)


@dataclass(frozen=True)
class ThingFolder:
    """Deployed things, and the calls to the provider."""

    root: Path

    def path(self, name: str) -> Path:
        """File of a thing."""
        return self.root / f"{name}.thing"

    @property
    def deployed(self) -> set[str]:
        """Names of the deployed things."""
        return {path.stem for path in self.root.glob("*.thing")}

    @property
    def calls(self) -> list[str]:
        """Begun operations: ``create NAME``, ``adopt NAME``, ``update NAME``, ``delete NAME``."""
        log = self.root / "calls"
        return log.read_text("utf-8").splitlines() if log.exists() else []

    def begin(self, call: str) -> None:
        with (self.root / "calls").open("a", encoding="utf-8") as log:
            log.write(f"{call}\n")

    def open_gate(self, name: str) -> None:
        """Let a waiting operation continue."""
        (self.root / name).touch()


class ThingProvider(ResourceProviderServicer):
    """The calls of the engine; their names are those of provider.proto."""

    def __init__(self, folder: ThingFolder) -> None:
        self.folder = folder

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.PluginInfo(version="1.0.0")

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        (self.folder.root / "cancelled").touch()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.DiffResponse()

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        old, new = MessageToDict(request.old_inputs), MessageToDict(request.news)
        kinds = proto.PropertyDiff
        detailed = {}
        for key in sorted({*old, *new}):
            if old.get(key) == new.get(key):
                continue
            kind = kinds.ADD if key not in old else kinds.DELETE if key not in new else kinds.UPDATE
            if key == REPLACED_BY:
                kind = kinds.UPDATE_REPLACE
            detailed[key] = proto.PropertyDiff(kind=kind, inputDiff=True)
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if detailed else proto.DiffResponse.DIFF_NONE,
            diffs=list(detailed),
            replaces=[key for key in detailed if key == REPLACED_BY],
            deleteBeforeReplace=True,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        name = request.urn.rpartition("::")[2]
        if not request.preview:
            self._write("adopt" if self.folder.path(name).exists() else "create", name, request.properties, context)
        return proto.CreateResponse(id="" if request.preview else name, properties=request.properties)

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        if not request.preview:
            self._write("update", request.id, request.news, context)
        return proto.UpdateResponse(properties=request.news)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        path = self.folder.path(request.id)
        if not path.exists():
            return proto.ReadResponse()
        properties = type(request.properties)()
        properties.update(json.loads(path.read_text("utf-8")))
        return proto.ReadResponse(id=request.id, properties=properties, inputs=properties)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.folder.begin(f"delete {request.id}")
        if fault := MessageToDict(request.properties).get("delete_fail"):
            context.abort(grpc.StatusCode.UNKNOWN, str(fault))
        self.folder.path(request.id).unlink(missing_ok=True)
        self._wait(MessageToDict(request.properties).get("delete_gate"))
        return empty_pb2.Empty()

    def _write(self, call: str, name: str, properties: Any, context: grpc.ServicerContext) -> None:
        content = MessageToDict(properties)
        first = f"create {name}" not in self.folder.calls
        self.folder.begin(f"{call} {name}")
        fault = content.get("fail") or (content.get("fail_once") if first else None)
        if fault:
            context.abort(grpc.StatusCode.UNKNOWN, str(fault))
        self.folder.path(name).write_text(json.dumps(content), "utf-8")
        self._wait(content.get("gate"))

    def _wait(self, gate: Any) -> None:
        deadline = time.monotonic() + GATE_SECONDS
        while gate and not (self.folder.root / gate).exists() and time.monotonic() < deadline:
            time.sleep(0.02)


@contextmanager
def served_things(folder: Path) -> Iterator[int]:
    """Serve the provider; yields its port."""
    folder.mkdir(parents=True, exist_ok=True)
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ThingProvider(ThingFolder(folder)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None)
