"""The program that declares resources, run inside this process when the engine calls it.

The engine calls a language runtime over gRPC. We measured Pulumi's own in-process runtime
(``pulumi.automation._server``) and rejected it. With a thousand resources, the SDK's way of waiting takes 9 s of the 12
s of a preview. The stack trace of every resource takes three quarters of the state, which the engine writes at every
step.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config
from pulumi.runtime.proto import (
    LanguageRuntimeServicer,
    engine_pb2,
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
    resource_pb2,
    resource_pb2_grpc,
)
from pulumi.runtime.rpc_manager import RPCManager
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import ResourceRegistrationFailed

from alchemesh_platform.engine.run.sdk_imports import SDK_IMPORTS
from alchemesh_platform.engine.urn import name_of, type_of

# Source: pulumi sdk/python/lib/pulumi/runtime/_grpc_settings.py
CHANNEL_OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
_SERVER_THREADS = 4
THREADS_PER_STEP = 4  # as in Pulumi's own runtime: one thread waits for each resource registration


Registering = dict[tuple[str, str], grpc.Future]  # running registrations, by type and name of the resource


@dataclass(slots=True)
class ServedProgram:
    """A program that the engine can call.

    Args:
        port: Port on loopback where the engine calls the program.
        failure: The exception of the program; None if it raised none.
    """

    port: int
    failure: BaseException | None = None
    registering: Registering = field(default_factory=dict, repr=False)

    @property
    def failed_itself(self) -> bool:
        """Whether the program itself raised, rather than the engine refusing a call and reporting the reason."""
        if self.failure is None or isinstance(self.failure, ResourceRegistrationFailed):
            return False
        return not _refused_by_engine(self.failure)

    def give_up(self, urn: str) -> None:
        """Stop waiting for the registration of a resource. The engine never responds when it could not delete the old
        resource of a delete-before-replace."""
        call = self.registering.get((type_of(urn), name_of(urn)))
        if call is not None:
            call.cancel()


@contextmanager
def serve_program(program: Callable[[], object] | None) -> Iterator[ServedProgram]:
    """Serve a program for one run of the engine.

    Args:
        program: Declares the resources; None for an operation without a program.
    """
    server = grpc.server(ThreadPoolExecutor(_SERVER_THREADS), options=CHANNEL_OPTIONS)
    served = ServedProgram(server.add_insecure_port("127.0.0.1:0"))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(_Runtime(program or (lambda: None), served), server)
    server.start()
    try:
        yield served
    finally:
        server.stop(grace=None).wait()


class _Runtime(LanguageRuntimeServicer):
    """The calls of the engine; language.proto defines their names."""

    def __init__(self, program: Callable[[], object], served: ServedProgram) -> None:
        self.program = program
        self.served = served

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo()

    def About(self, request: Any, context: Any) -> Any:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPluginsResponse()

    def Run(self, request: Any, context: Any) -> Any:
        """Run the program to its end. ``bail`` informs the engine that this process reports the failure."""
        try:
            contextvars.copy_context().run(_run, self.program, request, self.served)
        except BaseException as error:  # noqa: BLE001 whatever a program raises is its caller's, not gRPC's
            self.served.failure = error
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse()


class Registrations(RPCManager):
    """Registers all resources that do not depend on a failed one, and then ends the program as failed.

    The SDK ends the program at the first resource that depends on a failed one. If the program ended successfully
    anyway, the engine would delete the resources that were not registered.
    """

    def do_rpc(self, name: str, rpc_function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def unless_it_needs_what_failed(*args: Any, **kwargs: Any) -> Any:
            try:
                return await rpc_function(*args, **kwargs)
            except ResourceRegistrationFailed as failed:
                self.fail(failed)

        return super().do_rpc(name, unless_it_needs_what_failed)

    def fail(self, failed: ResourceRegistrationFailed) -> None:
        """Make the program end as failed after all other registrations."""
        if self.unhandled_exception is None:
            self.unhandled_exception = failed


class Monitor(resource_pb2_grpc.ResourceMonitorStub):
    """Registers resources without their Python stack trace, which would store this machine's paths in the state."""

    def __init__(self, channel: grpc.Channel, registrations: Registrations, registering: Registering) -> None:
        super().__init__(channel)
        register = self.RegisterResource

        def register_lean(request: Any, *args: Any, **kwargs: Any) -> Any:
            request.ClearField("stackTrace")
            request.ClearField("sourcePosition")
            call = register.future(request, *args, **kwargs)
            registering[(request.type, request.name)] = call
            try:
                answer = call.result()
            except grpc.FutureCancelledError:
                answer = resource_pb2.RegisterResourceResponse(result=resource_pb2.Result.FAIL)
            finally:
                registering.pop((request.type, request.name), None)  # the engine reports a name that is used twice
            if answer.result != resource_pb2.Result.SUCCESS:
                registrations.fail(ResourceRegistrationFailed(f"{request.name} failed"))
            return answer

        self.RegisterResource = register_lean


class EngineMessages(engine_pb2_grpc.EngineStub):
    """Drops the SDK's debug messages: several for each resource, with its properties and secrets."""

    def __init__(self, channel: grpc.Channel) -> None:
        super().__init__(channel)
        log = self.Log

        def log_for_people(request: Any, *args: Any, **kwargs: Any) -> Any:
            return None if request.severity == engine_pb2.DEBUG else log(request, *args, **kwargs)

        self.Log = log_for_people


def _run(program: Callable[[], object], request: Any, served: ServedProgram) -> None:
    """Run the program in its own context and event loop, so that runs in other threads stay separate.

    Source: pulumi sdk/python/lib/pulumi/automation/_server.py
    """
    monitor = grpc.insecure_channel(request.monitor_address, options=CHANNEL_OPTIONS)
    engine = grpc.insecure_channel(request.args[0], options=CHANNEL_OPTIONS)
    registrations = Registrations()  # type: ignore[no-untyped-call]
    configure(
        Settings(
            project=request.project,
            stack=request.stack,
            organization=request.organization or "organization",
            parallel=request.parallel,
            dry_run=request.dryRun,
            monitor=Monitor(monitor, registrations, served.registering),
            engine=EngineMessages(engine),
        )
    )
    SETTINGS.rpc_manager = registrations
    set_all_config(dict(request.config), list(request.configSecretKeys))

    async def declare() -> None:
        with SDK_IMPORTS:
            program()
        # Every registration must start before the SDK looks for registrations to wait for. Otherwise the SDK finds none
        # and waits for the outputs instead. It waits for all of them again each time that one arrives, which is
        # quadratic.
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(max(request.parallel, 1) * THREADS_PER_STEP))
    # The resource of an output reports the failure of an output that no code awaits.
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        loop.run_until_complete(run_in_stack(declare))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(settled(loop))
        loop.close()
        monitor.close()
        engine.close()


async def settled(loop: asyncio.AbstractEventLoop) -> None:
    """Wait for all other tasks of a loop."""
    rest = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    await asyncio.gather(*rest, return_exceptions=True)


def _refused_by_engine(error: BaseException) -> bool:
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        behind = waiting.pop()
        if isinstance(behind, grpc.RpcError):
            return True
        if behind is not None and behind not in seen:  # the SDK raises errors from themselves
            seen.append(behind)
            waiting += [behind.__cause__, behind.__context__]
    return False
