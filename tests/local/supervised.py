"""What runs under a supervisor."""

from __future__ import annotations

from pathlib import Path

import psutil

from alchemesh_platform.local.supervisor import config_folder


def supervisor_pid(run_directory: Path) -> int:
    """The supervisor of a run folder."""
    return int((config_folder(run_directory) / "supervisord.pid").read_text())


def processes_below(run_directory: Path) -> list[psutil.Process]:
    """All that it runs, directly or not."""
    return list(psutil.Process(supervisor_pid(run_directory)).children(recursive=True))
