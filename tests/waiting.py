"""Waiting for a result of another process."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

LONGEST = 120.0  # seconds: for machines that are slow and busy


def until(met: Callable[[], object], what: str, *, seconds: float = LONGEST) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.01)


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
