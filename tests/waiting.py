"""Waiting for a result of another process."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

LONGEST = 120.0  # seconds: for machines that are slow and busy
LONGEST_PAUSE = 0.5  # seconds


def until(met: Callable[[], object], what: str, *, seconds: float = LONGEST) -> None:
    """Wait until a condition holds.

    Looking takes processor time from what it waits for. A look that takes long is followed by a longer pause.
    """
    deadline = time.monotonic() + seconds
    begun = time.monotonic()
    while not met():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(min(max(0.01, 3 * (time.monotonic() - begun)), LONGEST_PAUSE))
        begun = time.monotonic()


def arguments_of(process: psutil.Process) -> list[str]:
    """The command line of a process; empty after its end."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def name_of(process: psutil.Process) -> str:
    """The name of a process; empty after its end."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
