"""Runs a Python job of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alchemesh_platform.catalog.running import CodeRun
from alchemesh_platform.connections import Connections, JobConnection


def run(
    job: JobConnection,
    connections: Connections,
    arguments: tuple[str, ...],
    on_output: Callable[[str], None],
) -> CodeRun:
    """Run the job that a description holds, with the product's connections."""
    from alchemesh_platform.local.job import read_job, run_job

    return run_job(read_job(Path(job.descriptor or "")), connections, arguments, on_output)
