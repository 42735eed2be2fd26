"""TCP ports of this machine: finds free ports, and the processes that use the others."""

from __future__ import annotations

import random
import socket
import time
from contextlib import closing
from itertools import cycle, islice

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.servers.reservations import Reservation, reservations

GRACE_SECONDS = 3.0
# A range from which systems assign no ports to programs that request any free port. Otherwise such a program could take
# a port between its choice and the start of the server. Below are conventional ports of services; above are the
# NodePorts of Kubernetes. Sources: Linux Documentation/networking/ip-sysctl.rst (ip_local_port_range, 32768 to 60999);
# RFC 6335, 6 (from 49152, as macOS and Windows do)
PORTS = range(20_000, 30_000)
TRIES = 100
# The order is random for each process, and each call continues it. So two calls return different ports before either is
# in use, and so do two processes, even if the shared random generator was seeded.
_order = cycle(random.Random().sample(PORTS, len(PORTS)))  # noqa: S311 - no secret


class PortInUse(Failure):
    """Raised when another process uses a requested port. The message names the process if it is known."""


def free_port(host: str) -> int:
    """A port on which no process listens now, which no server of a product has, and which the system does not assign.

    Each call returns another one.
    """
    reserved = {one.port for one in reservations()}
    for port in islice(_order, TRIES):
        if port not in reserved and is_free(host, port):
            return port
    with closing(_socket(host)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def becomes_free(host: str, port: int, seconds: float = GRACE_SECONDS) -> bool:
    """Whether the port is free now or soon. A server that just ended may still hold it."""
    deadline = time.monotonic() + seconds
    while not is_free(host, port):
        if _holder(port) is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen on the port."""
    with closing(_socket(host)) as probe:
        # Like servers, count a port as free while its last connections are closing.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def port_taken(host: str, port: int, what: str, setting: str) -> PortInUse:
    """The message for a port that is in use.

    Args:
        what: Purpose of the port: ``the PostgreSQL protocol``.
        setting: The setting for another port: ``postgres_port``.
    """
    holder = _holder(port)
    return PortInUse(
        f"port {port} of {host}, for {what}, is taken{f' by {holder}' if holder else ''}",
        hint=f"stop that process, or set `{setting}` to another port",
    )


def port_reserved(port: int, holder: Reservation, what: str, setting: str) -> PortInUse:
    """The message for a port that belongs to another server."""
    return PortInUse(
        f"port {port}, for {what}, belongs to {holder}",
        hint=f"set `{setting}` to another port, or destroy {holder.owner} first",
    )


def _holder(port: int) -> str | None:
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS lists them for the superuser only
        return None
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            try:
                command = " ".join(psutil.Process(connection.pid).cmdline())
            except psutil.Error:
                command = ""
            return f"process {connection.pid}{f' ({command[:100]})' if command else ''}"
    return None


def _socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
