"""The time that a person has waited: since the command was started, or since a question was answered."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_began = time.monotonic()
_START_FIELD = 19  # of /proc/PID/stat, after the name in parentheses. Source: man 5 proc_pid_stat, field 22


def begin(age: float = 0.0) -> None:
    """Count from now, or from some seconds ago."""
    global _began  # noqa: PLW0603 - a process runs one command
    _began = time.monotonic() - age


def seconds() -> float:
    """The seconds that a person has waited so far."""
    return time.monotonic() - _began


def age_of_process() -> float:
    """Seconds since this process started: imports take a part of them. 0 where the system does not say."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text("utf-8").rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text("utf-8").split()[0])
        return max(uptime - int(fields[_START_FIELD]) / os.sysconf("SC_CLK_TCK"), 0.0)
    return 0.0
