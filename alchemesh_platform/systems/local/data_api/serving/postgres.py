"""Runs the PostgreSQL of a serving copy: ``python -m …serving.postgres SETTINGS``, under the supervisor.

The supervisor ends it by a signal. PostgreSQL then gets the one by which it closes its connections and ends at once, so
that its folder can be used again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.systems.local.data_api.serving.cluster import (
    Cluster,
    ended_cleanly,
    ensure_folder,
    server_command,
)


def serve(cluster: Cluster) -> int:
    """Run the server until it ends. Returns a status other than 0, unless it was told to end."""
    ensure_folder(cluster)
    asked = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        _signal_server(server.pid)

    # A group of its own: the supervisor's signal would end the enclosure, and PostgreSQL with it.
    server = subprocess.Popen(server_command(cluster), start_new_session=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    status = server.wait()
    if status == 0:
        ended_cleanly(cluster)
    return 0 if asked else status or 1


def _signal_server(pid: int) -> None:
    """Ask PostgreSQL, below its enclosure, for a fast shutdown."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(pid)
        for process in (below, *below.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                if process.name() == "postgres":
                    process.send_signal(signal.SIGINT)
                    return


def main() -> int:
    """Run it. After a failure, its message is on stderr and the supervisor tries again."""
    try:
        return serve(Cluster.at(Path(sys.argv[1])))
    except Failure as failure:
        sys.stderr.write(f"error: {failure.message}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
