"""What runs under a supervisor."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from alchemesh_platform.machine.supervisor import config_folder
from tests.waiting import name_of


def supervisor_pid(run_directory: Path) -> int:
    """The supervisor of a run folder."""
    return int((config_folder(run_directory) / "supervisord.pid").read_text())


def processes_below(run_directory: Path) -> list[psutil.Process]:
    """All that it runs, directly or not."""
    return list(psutil.Process(supervisor_pid(run_directory)).children(recursive=True))


def named_below(run_directory: Path, name: str) -> list[psutil.Process]:
    """Of all that it runs, what has a name that begins so."""
    return [process for process in processes_below(run_directory) if name_of(process).startswith(name)]


def ports_below(run_directory: Path) -> set[tuple[str, int]]:
    """Address and port of all that is listened on by what it runs."""
    found = set()
    for process in processes_below(run_directory):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            listening = [one for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
            found |= {(one.laddr.ip, one.laddr.port) for one in listening}
    return found
