"""Runs the PostgreSQL of a serving copy: ``python -m …serving.postgres SETTINGS``, under the supervisor.

The supervisor ends it by a signal. PostgreSQL then gets the one by which it closes its connections and ends at once, so
that its folder can be used again.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.servers.cgroup import NoGroup, joining, memory_group, remove_group
from alchemesh_platform.systems.local.data_api.serving.cluster import (
    Cluster,
    ended_cleanly,
    ensure_folder,
    server_command,
)
from alchemesh_platform.systems.local.data_api.serving.consumers.fairness import LOOK_SECONDS, Fairness, server_below


def serve(cluster: Cluster) -> int:
    """Run the server until it ends. Returns a status other than 0, unless a signal ended it."""
    ensure_folder(cluster)
    asked = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        _signal_server(server.pid)

    procs = _memory_group(cluster)
    command = [*(joining(procs) if procs is not None else ()), *server_command(cluster)]
    # A group of its own: the supervisor's signal would end the enclosure, and PostgreSQL with it.
    server = subprocess.Popen(command, start_new_session=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    status = _watched(server, cluster)
    if procs is not None:
        remove_group(procs)
    if status == 0:
        ended_cleanly(cluster)
    return 0 if asked else status or 1


def _memory_group(cluster: Cluster) -> Path | None:
    """The file by which the server joins a control group with a limit of memory; None if the machine gives none."""
    name = hashlib.sha256(cluster.folder.encode()).hexdigest()[:16]
    try:
        return memory_group(name, cluster.limits.group_bytes)
    except NoGroup as reason:
        sys.stderr.write(f"no control group limits the memory of all statements together: {reason}\n")
        return None


def _watched(server: subprocess.Popen[bytes], cluster: Cluster) -> int:
    """Wait for the end of the server, and keep it fair meanwhile."""
    if sys.platform != "linux":
        return server.wait()
    fairness = Fairness(server.pid, cluster.limits.memory_megabytes * 1_000_000)
    looked = time.monotonic()
    while True:
        try:
            return server.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            fairness.look(now - looked)
            looked = now


def _signal_server(pid: int) -> None:
    """Ask PostgreSQL, below its enclosure, for a fast shutdown."""
    server = server_below(pid) if sys.platform == "linux" else pid
    if server is not None:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGINT)


def main() -> int:
    """Run it. After a failure, its message is on stderr and the supervisor tries again."""
    try:
        return serve(Cluster.at(Path(sys.argv[1])))
    except Failure as failure:
        sys.stderr.write(f"error: {failure.message}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
