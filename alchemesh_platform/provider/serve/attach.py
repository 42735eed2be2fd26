"""Serve the provider without the engine starting it: in a thread of this process, or in a separate process.

The engine finds it by ``PULUMI_DEBUG_PROVIDERS=alchemesh:PORT``.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.provider.handler import PACKAGE, DeployedState
from alchemesh_platform.provider.serve.provider import DELETE_DATA_VARIABLE, REGISTRY_VARIABLE, AlchemeshProvider
from alchemesh_platform.provider.serve.served import ServedProvider

START_SECONDS = 60.0
STOP_SECONDS = 30.0
RUN_OPTION = "--run"  # the process reads the run's values from its standard input


class ProviderFailed(Failure):
    """Raised when the provider's process does not start."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running provider, on loopback."""

    port: int
    package: str = PACKAGE

    @property
    def debug_providers(self) -> str:
        """The provider's entry in ``PULUMI_DEBUG_PROVIDERS``."""
        return f"{self.package}:{self.port}"


@contextmanager
def serve_provider(
    registry: str,
    *,
    own_process: bool = False,
    delete_data: bool = False,
    deployed: DeployedState | None = None,
    actor: str | None = None,
    stack_folder: Path | None = None,
) -> Iterator[Served]:
    """Serve the provider for the engines that run inside the block.

    Args:
        registry: Address of the registry.
        own_process: Whether the provider runs in a separate process. It then does not share the interpreter with the
            program, which is faster for large stacks.
        delete_data: Whether data is deleted with its resource, even if the resource retains it.
        deployed: The resources in the stack's state before the run; None if unknown.
        actor: The identity that acts, in the form that records use; None if unknown.
        stack_folder: The folder of the locked stack, with the permission to lose data.

    Raises:
        ProviderFailed: when the provider's process does not start.
    """
    if own_process:
        with spawn_provider(
            registry, delete_data=delete_data, deployed=deployed, actor=actor, stack_folder=stack_folder
        ) as served:
            yield served
        return
    from alchemesh_platform.provider.catalog import HANDLERS

    provider = AlchemeshProvider(
        HANDLERS, registry, delete_data=delete_data, deployed=deployed, actor=actor, stack_folder=stack_folder
    )
    try:
        with serve_attached(provider) as served:
            yield served
    finally:
        provider.close()


@contextmanager
def serve_attached(provider: ServedProvider) -> Iterator[Served]:
    """Serve a provider in a thread with its own event loop. Running operations stop at the end."""
    listening: Future[int] = Future()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    thread = threading.Thread(
        target=loop.run_until_complete,
        args=(_serve(provider, listening, over),),
        name=f"{provider.package}-provider",
        daemon=True,
    )
    thread.start()
    try:
        yield Served(listening.result(START_SECONDS), provider.package)
    finally:
        provider.cancel_all()
        loop.call_soon_threadsafe(over.set)
        thread.join(STOP_SECONDS)
        if not thread.is_alive():
            loop.close()


@contextmanager
def spawn_provider(
    registry: str,
    *,
    delete_data: bool = False,
    deployed: DeployedState | None = None,
    actor: str | None = None,
    stack_folder: Path | None = None,
) -> Iterator[Served]:
    """Serve the provider in a separate process, which ends with the block, or when this process ends or is killed.

    Args:
        registry: Address of the registry.
        delete_data: Whether data is deleted with its resource, even if the resource retains it.
        deployed: The resources in the stack's state before the run; None if unknown.
        actor: The identity that acts, in the form that records use; None if unknown.
        stack_folder: The folder of the locked stack, with the permission to lose data.

    Raises:
        ProviderFailed: when the process does not start; contains its output.
    """
    state = None if deployed is None else {pulumi_type: sorted(ids) for pulumi_type, ids in deployed.items()}
    passed = json.dumps({"deployed": state, "actor": actor, "stack_folder": str(stack_folder or "")})
    process = subprocess.Popen(
        [sys.executable, "-m", "alchemesh_platform.provider.main", RUN_OPTION],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            REGISTRY_VARIABLE: registry,  # not an argument: it may contain a password, and all users see arguments
            DELETE_DATA_VARIABLE: "1" if delete_data else "",
        },
        start_new_session=True,  # Ctrl-C is for the engine, which cancels the provider
    )
    try:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        with suppress(BrokenPipeError), process.stdin:  # the process may have ended; the next line reports that
            process.stdin.write(passed.encode())
        line = process.stdout.readline()
        if not line.strip().isdigit():
            raise ProviderFailed(
                f"the provider did not start (exit status {process.wait(START_SECONDS)})",
                hint=remedy("its output is above; {} checks for missing parts", command("doctor")),
            )
        yield Served(int(line))
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def _serve(provider: ServedProvider, listening: Future[int], over: asyncio.Event) -> None:
    try:
        server = await start_server(provider)
    except BaseException as error:
        listening.set_exception(error)
        raise
    listening.set_result(server.port)
    await over.wait()
    await server.stop()


@dataclass(slots=True)
class Server:
    """A listening gRPC server."""

    port: int
    _server: object

    async def stop(self) -> None:
        """Wait for running calls, then close."""
        await self._server.stop(STOP_SECONDS)  # type: ignore[attr-defined] # grpc.aio has no types


async def start_server(provider: ServedProvider, engine_address: str = "") -> Server:
    """Listen on a free loopback port. Call this in the event loop that serves the calls."""
    import grpc.aio
    from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
    from pulumi.runtime.proto import provider_pb2_grpc

    from alchemesh_platform.provider.serve.servicer import AlchemeshServicer

    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AlchemeshServicer(provider, engine_address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return Server(port, server)
