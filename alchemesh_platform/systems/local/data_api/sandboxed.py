"""The program inside the sandbox of a data API: its roapi, and the socket that leads to it.

It runs as a file, by ``python -I -S``, since the sandbox holds Python with its standard library and no package.

One roapi serves all HTTP requests, which cannot change anything in it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import Process

SERVED = "/served"  # the root of roapi's file system: its program, its configuration, the tables
SOCKETS = "/sockets"
WEB_SOCKET = "web.sock"
LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0
BYTES_AT_ONCE = 256 * 1024
RELOAD_SECONDS = 2


async def serve() -> int:
    """Serve until the roapi of HTTP ends. This program exits with its status, and the supervisor restarts both."""
    http_port = free_port()
    everybodys = await start("--addr-http", f"{LOOPBACK}:{http_port}")
    if not await listens(everybodys, http_port):
        return await ended(everybodys)

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await bridge(reader, writer, http_port)

    os.umask(0o177)
    await asyncio.start_unix_server(web, f"{SOCKETS}/{WEB_SOCKET}")
    return await ended(everybodys)


async def start(*address: str) -> Process:
    """Start a roapi on one address of the sandbox. It can read only the tables."""
    # Writable, since roapi reloads tables only then. Its users can write nothing, since the sandbox is read-only.
    arguments = ("--config", "/roapi.yml", "--disable-read-only", "--reload-interval", str(RELOAD_SECONDS), *address)
    return await asyncio.create_subprocess_exec("/roapi", *arguments, preexec_fn=confine, env={})


def confine() -> None:
    """Restrict the file system to the served files."""
    os.chroot(SERVED)
    os.chdir("/")


def free_port() -> int:
    """A free port of the sandbox. No other program listens in the sandbox."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


async def listens(server: Process, port: int) -> bool:
    """Wait until a server listens; False when it ended, or takes too long."""
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while server.returncode is None and asyncio.get_running_loop().time() < deadline:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.close()
        return True
    return False


async def ended(server: Process) -> int:
    """Wait until a server ends, and return a status other than 0, since 0 would mean an intended end."""
    return await server.wait() or 1


async def bridge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Copy in both directions between a connection and a port, until one side closes."""
    try:
        server_reader, server_writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        writer.close()
        return
    ways = [asyncio.create_task(copy(reader, server_writer)), asyncio.create_task(copy(server_reader, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        server_writer.close()
        writer.close()


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends or the target closes."""
    try:
        while piece := await source.read(BYTES_AT_ONCE):
            target.write(piece)
            await target.drain()
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
