"""The processes of a supervisor."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from alchemesh_platform.machine.servers.supervisor import config_folder
from tests.waiting import name_of


def supervisor_pid(run_directory: Path) -> int:
    """The supervisor of a run folder."""
    return int((config_folder(run_directory) / "supervisord.pid").read_text())


def processes_below(run_directory: Path) -> list[psutil.Process]:
    """All its descendant processes."""
    return list(psutil.Process(supervisor_pid(run_directory)).children(recursive=True))


def named_below(run_directory: Path, name: str) -> list[psutil.Process]:
    """Its descendant processes whose name has a prefix."""
    return [process for process in processes_below(run_directory) if name_of(process).startswith(name)]


def ports_below(run_directory: Path) -> set[tuple[str, int]]:
    """Addresses and ports on which its descendants listen."""
    found = set()
    for process in processes_below(run_directory):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            listening = [one for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
            found |= {(one.laddr.ip, one.laddr.port) for one in listening}
    return found
