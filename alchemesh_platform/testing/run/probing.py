"""The running probes of this process, and the jobs for them."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

PATIENCE_SECONDS = 10.0  # as `alchemesh status` waits: observed/observing.py


class Probe:
    """A process that calls functions of components: :mod:`alchemesh_platform.testing.run.probe`.

    Args:
        loaded: Whether it imports the models of the SDK once for all jobs.
    """

    def __init__(self, *, loaded: bool) -> None:
        command = [sys.executable, "-m", "alchemesh_platform.testing.run.probe", *(["--load"] if loaded else [])]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},  # noqa: PTH109
            text=True,
        )
        atexit.register(self.end)

    def ask(self, kind: str, **job: Any) -> dict[str, Any]:
        """Run one job.

        Args:
            kind: ``spec``, ``pure``, ``called`` or ``observe``.
            job: Its fields.
        """
        assert self._process.stdin is not None  # noqa: S101 both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps({"kind": kind, **job}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        found: dict[str, Any] = json.loads(line) if line else {"error": "the probe ended"}
        return found

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


@cache
def probe(path: tuple[str, ...], *, loaded: bool) -> Probe:
    """The probe of this process for an import path.

    Args:
        path: ``sys.path``: a probe finds the modules that this process finds when it starts.
        loaded: Whether it has imported the models of the SDK.
    """
    return Probe(loaded=loaded)


def ask(kind: str, **job: Any) -> dict[str, Any]:
    """Run one job in a probe of this process; see :meth:`Probe.ask`."""
    return probe(tuple(sys.path), loaded=kind != "spec").ask(kind, **job)
