"""The program inside the sandbox of a data API: its roapi servers, and the two sockets that lead to them.

Run as a file, by ``python -I -S``: the enclosure holds Python with its standard library and no package.

All HTTP requests go to one roapi, which accepts no statement that changes anything there. Over the PostgreSQL
protocol it does (``DROP TABLE``, ``CREATE VIEW`` and similar statements, for all its users), so each SQL connection
gets a roapi of its own, which ends with it.
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
SQL_SOCKET = ".s.PGSQL.5432"  # as PgBouncer looks for one in a folder, for port 5432
LOOPBACK = "127.0.0.1"
SQL_CONNECTIONS_MAX = 32  # some 45 MB each; the next ones wait
START_SECONDS = 30.0
BYTES_AT_ONCE = 256 * 1024
RELOAD_SECONDS = 2


async def serve() -> int:
    """Serve until the roapi of HTTP ends; its exit status is ours, and the supervisor starts both again."""
    http_port = free_port()
    everybodys = await start("--addr-http", f"{LOOPBACK}:{http_port}")
    if not await listens(everybodys, http_port):
        return await ended(everybodys)
    at_once = asyncio.Semaphore(SQL_CONNECTIONS_MAX)

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await bridge(reader, writer, http_port)

    async def sql(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with at_once:
            port = free_port()
            own = await start("--addr-postgres", f"{LOOPBACK}:{port}")
            try:
                if await listens(own, port):
                    await bridge(reader, writer, port)
            finally:
                writer.close()
                if own.returncode is None:
                    own.kill()
                await own.wait()

    os.umask(0o177)
    await asyncio.start_unix_server(sql, f"{SOCKETS}/{SQL_SOCKET}")
    await asyncio.start_unix_server(web, f"{SOCKETS}/{WEB_SOCKET}")
    return await ended(everybodys)


async def start(*address: str) -> Process:
    """A roapi on one address of the enclosure; it sees the tables and nothing else."""
    # Writable, or it would not look for new rows; what that lets its users write to is not there.
    arguments = ("--config", "/roapi.yml", "--disable-read-only", "--reload-interval", str(RELOAD_SECONDS), *address)
    return await asyncio.create_subprocess_exec("/roapi", *arguments, preexec_fn=confine, env={})


def confine() -> None:
    """Make what is served all that there is."""
    os.chroot(SERVED)
    os.chdir("/")


def free_port() -> int:
    """A port of the enclosure, which nobody else listens in."""
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
    """Wait for a server's end; 0 would look as if it were meant to."""
    return await server.wait() or 1


async def bridge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Copy both ways between a connection and a port, until either side is done."""
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
    """Copy until the source ends or the target is gone."""
    try:
        while piece := await source.read(BYTES_AT_ONCE):
            target.write(piece)
            await target.drain()
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
