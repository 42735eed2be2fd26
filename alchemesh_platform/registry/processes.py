"""The process that an operation of the history runs in, so that a killed operation does not count as running."""

from __future__ import annotations

import os
import platform
import uuid

KILLED = "its process was killed"
_SLACK_SECONDS = 2.0  # the system counts a process's age in ticks since boot, so its start differs a little each time


def this_process() -> str:
    """This process: machine, process id and time of its start."""
    import psutil

    return f"{_machine()} {os.getpid()} {psutil.Process().create_time():.2f}"


def has_ended(process: str | None) -> bool:
    """Whether a process of this machine has ended. False for processes of other machines, and if it is not known."""
    import psutil

    machine, _, rest = (process or "").partition(" ")
    if not rest or machine != _machine():
        return False
    pid, _, started = rest.partition(" ")
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(started)) > _SLACK_SECONDS
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, ValueError):
        return False


def is_elsewhere(process: str | None) -> bool:
    """Whether a process runs on another machine."""
    return process is not None and process.partition(" ")[0] != _machine()


def machine_of(process: str | None) -> str:
    """The name of the machine of a process, in a message."""
    return (process or "").partition(" ")[0].rpartition("/")[0] or "another machine"


def _machine() -> str:
    return f"{platform.node()}/{uuid.getnode():x}"
