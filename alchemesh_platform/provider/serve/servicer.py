"""Pulumi's provider protocol over gRPC, as the engine calls it.

The SDK's experimental servicer is the base. It lacks ``Attach`` and ``Handshake``, sends raw Python exceptions, does
not pass old inputs, drops unknown values, and fails on ``DiffConfig``. This module corrects all of these.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, errors_pb2, provider_pb2, status_pb2

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.provider.components.inputs import InvalidInputs
from alchemesh_platform.provider.difference import top_level
from alchemesh_platform.provider.handler import Cancelled, DeployedState
from alchemesh_platform.provider.operations import Difference, Recorded, explain
from alchemesh_platform.provider.serve.provider import DELETE_DATA_VARIABLE, REGISTRY_VARIABLE, AlchemeshProvider
from alchemesh_platform.provider.serve.served import ServedProvider
from alchemesh_platform.provider.values import decode_map, encode_map, reveal

_SEVERITIES = {
    "debug": engine_pb2.DEBUG,
    "info": engine_pb2.INFO,
    "warning": engine_pb2.WARNING,
    "error": engine_pb2.ERROR,
}
_KINDS = {
    "add": (provider_pb2.PropertyDiff.ADD, provider_pb2.PropertyDiff.ADD_REPLACE),
    "delete": (provider_pb2.PropertyDiff.DELETE, provider_pb2.PropertyDiff.DELETE_REPLACE),
    "update": (provider_pb2.PropertyDiff.UPDATE, provider_pb2.PropertyDiff.UPDATE_REPLACE),
}
_REPORT_SECONDS = 5.0
# After UNKNOWN, INTERNAL or DATA_LOSS the engine treats the outcome as unknown and leaves a pending operation. Our
# resources never need one: creating a resource again adopts the existing one.
_FAILED = grpc.StatusCode.FAILED_PRECONDITION

Method = Callable[[Any, Any, grpc.aio.ServicerContext], Coroutine[Any, Any, Any]]


def answering(method: Method) -> Method:
    """Report a failure with its sentence and hint, without a traceback."""

    @functools.wraps(method)
    async def answer(self: Any, request: Any, context: grpc.aio.ServicerContext) -> Any:
        try:
            return await method(self, request, context)
        except InvalidInputs as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, explain(error), _with_properties(error))
        except Cancelled as error:
            await context.abort(grpc.StatusCode.CANCELLED, explain(error))
        except Recorded as error:
            await context.abort(_FAILED, explain(error), _with_record(error))
        except Failure as error:
            await context.abort(_FAILED, explain(error))

    return answer


class AlchemeshServicer(ProviderServicer):
    """Pulumi's provider protocol for one of our providers."""

    def __init__(self, provider: ServedProvider, engine_address: str = "") -> None:
        super().__init__([], provider.package_version, provider, engine_address)
        self.provider = provider
        self._channel: grpc.Channel | None = None
        self._address = engine_address
        if engine_address:
            self._listen_to(engine_address)

    # Called once for each engine.

    async def Handshake(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        self._listen_to(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def Attach(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        self._listen_to(request.address)
        return empty_pb2.Empty()

    @answering
    async def GetSchema(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        return proto.GetSchemaResponse(schema=self.provider.schema_json())

    async def CheckConfig(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        refusals = self.provider.check_configuration(decode_map(request.news))
        return proto.CheckResponse(
            inputs=request.news,
            failures=[proto.CheckFailure(property=found.property, reason=found.reason) for found in refusals],
        )

    async def DiffConfig(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        same = decode_map(request.old_inputs) == decode_map(request.news)
        changes = proto.DiffResponse.DIFF_NONE if same else proto.DiffResponse.DIFF_SOME
        return proto.DiffResponse(changes=changes)

    async def Configure(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        self.provider.configure_with(reveal(decode_map(request.args)))
        return proto.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Cancel(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        self.provider.cancel_all()
        return empty_pb2.Empty()

    # Called for each resource.

    @answering
    async def Check(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        kind = self.provider.kind_of(_type(request.urn))
        olds, news = decode_map(request.olds), decode_map(request.news)
        checked = await self.provider.work(request.urn, lambda work: kind.check(olds, news, work))
        return proto.CheckResponse(
            inputs=encode_map(checked.inputs),
            failures=[proto.CheckFailure(property=found.property, reason=found.reason) for found in checked.refusals],
        )

    @answering
    async def Diff(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        kind = self.provider.kind_of(_type(request.urn))
        old_inputs, old_state, news = (decode_map(part) for part in (request.old_inputs, request.olds, request.news))
        found = await self.provider.work(
            request.urn, lambda work: kind.diff(request.id, old_inputs, old_state, news, work)
        )
        return _diff_response(found)

    @answering
    async def Create(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        kind = self.provider.kind_of(_type(request.urn))
        inputs = decode_map(request.properties)
        identity, state = await self.provider.work(
            request.urn,
            lambda work: kind.create(inputs, work),
            seconds=request.timeout,
            preview=request.preview,
        )
        return proto.CreateResponse(id=identity, properties=encode_map(state))

    @answering
    async def Read(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        kind = self.provider.kind_of(_type(request.urn))
        inputs, state = decode_map(request.inputs), decode_map(request.properties)
        found = await self.provider.work(
            request.urn, lambda work: kind.read(request.id, inputs, state, work), seconds=request.timeout
        )
        if found is None:
            return proto.ReadResponse()
        identity, new_inputs, new_state = found
        return proto.ReadResponse(id=identity, inputs=encode_map(new_inputs), properties=encode_map(new_state))

    @answering
    async def Update(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        kind = self.provider.kind_of(_type(request.urn))
        old_inputs, old_state, news = (decode_map(part) for part in (request.old_inputs, request.olds, request.news))
        state = await self.provider.work(
            request.urn,
            lambda work: kind.update(request.id, old_inputs, old_state, news, work),
            seconds=request.timeout,
            preview=request.preview,
        )
        return proto.UpdateResponse(properties=encode_map(state))

    @answering
    async def Delete(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        kind = self.provider.kind_of(_type(request.urn))
        inputs, state = decode_map(request.old_inputs), decode_map(request.properties)
        await self.provider.work(
            request.urn, lambda work: kind.delete(request.id, inputs, state, work), seconds=request.timeout
        )
        return empty_pb2.Empty()

    # Called for each component of a program in another language.

    @answering
    async def Construct(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        if not self.provider.has_components:
            return await self._not_here(request, context)
        return await self.provider.construct_component(request, self._address)

    # Unsupported by this provider: functions, parameters, mappings, listing.

    async def _not_here(self, request: Any, context: grpc.aio.ServicerContext) -> Any:
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED, f"the provider {self.provider.package} has resources and components only"
        )

    Call = Invoke = Parameterize = GetMapping = GetMappings = List = _not_here

    def _listen_to(self, engine_address: str) -> None:
        """Send messages to this engine from now on."""
        if self._channel is not None:
            self._channel.close()
        self._address = engine_address
        self._channel = grpc.insecure_channel(engine_address)
        engine = engine_pb2_grpc.EngineStub(self._channel)

        def report(severity: str, message: str, urn: str) -> None:
            request = engine_pb2.LogRequest(severity=_SEVERITIES[severity], message=message, urn=urn)
            # The engine may have ended or been replaced. The message then has no receiver.
            with suppress(grpc.RpcError, ValueError):
                engine.Log(request, timeout=_REPORT_SECONDS)

        self.provider.report = report


def provider_from_environment(
    deployed: DeployedState | None = None, actor: str | None = None, stack_folder: Path | None = None
) -> AlchemeshProvider:
    """A provider that reads its missing configuration from the environment.

    Args:
        deployed: The resources in the stack's state before the run; None if unknown.
        actor: The identity that acts; None if unknown.
        stack_folder: The folder of the locked stack; None under plain Pulumi.
    """
    from alchemesh_platform.provider.catalog import HANDLERS, installed_components

    delete_data = os.environ.get(DELETE_DATA_VARIABLE, "").lower() in ("1", "true", "yes")
    return AlchemeshProvider(
        HANDLERS,
        os.environ.get(REGISTRY_VARIABLE) or None,
        delete_data=delete_data,
        deployed=deployed,
        actor=actor,
        stack_folder=stack_folder,
        components=installed_components(),
    )


def _type(urn: str) -> str:
    """The type in ``urn:pulumi:stack::project::parent$type::name``."""
    return urn.split("::")[2].rpartition("$")[2]


def _with_record(error: Recorded) -> tuple[tuple[str, bytes], ...]:
    """The metadata that makes the engine record a resource whose creation failed.

    Source: pulumi sdk/go/common/resource/plugin/provider_plugin.go (parseError); gRPC's richer error model,
    https://grpc.io/docs/guides/error/
    """
    record = provider_pb2.ErrorResourceInitFailed(
        id=error.identity, properties=encode_map(error.state), reasons=[explain(error)]
    )
    status = status_pb2.Status(code=_FAILED.value[0], message=explain(error))
    status.details.add().Pack(record)
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _with_properties(error: InvalidInputs) -> tuple[tuple[str, bytes], ...]:
    """The metadata that makes the engine name each invalid property.

    Source: pulumi pkg/resource/deploy/source_eval.go (errorToMessage)
    """
    problems = errors_pb2.InputPropertiesError()
    for refusal in error.refusals:
        problems.errors.add(property_path=refusal.property, reason=refusal.reason)
    status = status_pb2.Status(code=grpc.StatusCode.INVALID_ARGUMENT.value[0], message=explain(error))
    status.details.add().Pack(problems)
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _diff_response(found: Difference) -> Any:
    detailed = {
        path: provider_pb2.PropertyDiff(kind=_KINDS[kind][path in found.replaces], inputDiff=True)
        for path, kind in found.kinds.items()
    }
    if found.drift is not None and found.drift not in detailed:
        detailed[found.drift] = provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.UPDATE, inputDiff=False)
    return proto.DiffResponse(
        changes=proto.DiffResponse.DIFF_SOME if found.changes else proto.DiffResponse.DIFF_NONE,
        replaces=sorted({top_level(path) for path in found.replaces}),
        stables=list(found.stable),
        deleteBeforeReplace=found.delete_before_replace and bool(found.replaces),
        diffs=sorted(detailed),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
