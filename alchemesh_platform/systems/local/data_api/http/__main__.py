"""Runs the server: ``python -m alchemesh_platform.systems.local.data_api.http --config FILE``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alchemesh_platform.systems.local.data_api.http.configuration import Address, Configuration, read_configuration

_BACKLOG = 1024
_KEEP_ALIVE_SECONDS = 60
_STOP_SECONDS = 10
_HEADER_BYTES_MAX = 64 * 1024


def main() -> int:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser(prog="alchemesh-http", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="Configuration, a JSON file.")
    path: Path = parser.parse_args().config
    try:
        configuration = read_configuration(path)
        listener = listening(configuration.socket)
    except (OSError, ValidationError) as error:
        sys.stderr.write(f"error: {path}: {error}\n")
        return 1
    asyncio.run(serve(configuration, listener))
    return 0


async def serve(configuration: Configuration, listener: socket.socket, application: Any = None) -> None:
    """Serve on a listening socket: the application of the configuration, or another one in front of it."""
    import uvicorn

    from alchemesh_platform.systems.local.data_api.http.app import Application
    from alchemesh_platform.systems.local.data_api.http.trailers import TrailersProtocol

    settings = uvicorn.Config(
        application or Application(configuration),
        access_log=False,
        log_level="warning",
        lifespan="on",
        http=TrailersProtocol,
        ws="none",
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=_HEADER_BYTES_MAX,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    await uvicorn.Server(settings).serve(sockets=[listener])


def listening(address: Address | str) -> socket.socket:
    """A listening socket. A Unix socket is open to its own user only.

    Raises:
        OSError: when it cannot listen there.
    """
    if isinstance(address, Address):
        return socket.create_server((address.host, address.port), backlog=_BACKLOG)
    with contextlib.suppress(FileNotFoundError):
        Path(address).unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    return listener


if __name__ == "__main__":
    sys.exit(main())
