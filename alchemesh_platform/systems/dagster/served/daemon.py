"""Dagster's daemon, which reads the workspace again as soon as its file has changed.

Dagster's own reads it each minute. A run of a location that the daemon does not know yet fails.
"""

import sys
from pathlib import Path

from dagster._daemon.cli import main
from dagster._daemon.controller import DagsterDaemonController


def watch(file: Path) -> None:
    """Let the daemon look at the workspace's file in each of its loops."""
    known = _state_of(file)
    looked = DagsterDaemonController.check_workspace_freshness

    def check(self: DagsterDaemonController, last: float) -> float:
        nonlocal known
        found = _state_of(file)
        if found == known:
            return float(looked(self, last))
        known = found
        return float(looked(self, 0.0))

    DagsterDaemonController.check_workspace_freshness = check


def _state_of(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_ino


if __name__ == "__main__":
    watch(Path(sys.argv[sys.argv.index("-w") + 1]))
    main()
