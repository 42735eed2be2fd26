"""Runs a Python job of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from alchemesh_platform.connections import Connections, JobConnection
from alchemesh_platform.sdk.code.run import CodeRun


def run(
    job: JobConnection,
    connections: Connections,
    arguments: tuple[str, ...],
    on_output: Callable[[str], None],
    *,
    environ: Mapping[str, str],
    variables: Mapping[str, str] | None = None,
    cancelled: threading.Event | None = None,
) -> CodeRun:
    """Run a described job with the product's connections."""
    from alchemesh_platform.sdk.code.description import read_job
    from alchemesh_platform.systems.local.jobs.job import run_job

    described = read_job(Path(job.descriptor or ""))
    return run_job(
        described, connections, arguments, on_output, environ=environ, variables=variables, cancelled=cancelled
    )
