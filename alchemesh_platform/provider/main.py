"""The plugin program `pulumi-resource-alchemesh`: Pulumi programs that find it on PATH can use its resources."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.files.private import NEW_FILES

if TYPE_CHECKING:
    from alchemesh_platform.provider.handler import DeployedState

PARENT_LOOK_SECONDS = 1.0


def main() -> None:
    """Serve until the engine or the parent process stops this program or ends."""
    parser = argparse.ArgumentParser(
        prog="pulumi-resource-alchemesh",
        description="Pulumi provider plugin: records of the data mesh, and the embedded local platform.",
        epilog="The engine starts it. Settings: pulumi config alchemesh:registry, alchemesh:deleteData, "
        "or the variables ALCHEMESH_REGISTRY, ALCHEMESH_DELETE_DATA.",
    )
    parser.add_argument("engine", nargs="?", default="", help="address of the engine")
    parser.add_argument("--run", action="store_true", help="read from standard input what a run of alchemesh passes")
    os.umask(NEW_FILES)
    arguments, _others = parser.parse_known_args()  # the engine may add flags for logging and tracing
    passed = json.load(sys.stdin) if arguments.run else {}
    folder = passed.get("stack_folder")
    stack_folder = Path(folder) if folder else None
    asyncio.run(_serve(arguments.engine, passed.get("deployed"), passed.get("actor"), stack_folder))


async def _serve(
    engine_address: str, deployed: DeployedState | None, actor: str | None, stack_folder: Path | None
) -> None:
    from alchemesh_platform.provider.serve.attach import start_server
    from alchemesh_platform.provider.serve.servicer import provider_from_environment

    provider = provider_from_environment(deployed, actor, stack_folder)
    server = await start_server(provider, engine_address)
    over = asyncio.Event()
    # The engine stops a plugin by SIGINT, and starts it in a separate process group: a terminal's Ctrl-C does
    # not reach it. The engine kills a plugin that does not end within seconds.
    # Source: pulumi sdk/go/common/util/cmdutil/term.go (TerminateProcessGroup)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    watcher = asyncio.create_task(_watch_parent(over))
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    try:
        await over.wait()
    finally:
        watcher.cancel()
        provider.cancel_all()
        await server.stop()
        provider.close()


async def _watch_parent(over: asyncio.Event) -> None:
    """Stop when the parent process changes: a killed engine sends no signal, and its plugin then has another parent."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_LOOK_SECONDS)
    over.set()


if __name__ == "__main__":
    main()
