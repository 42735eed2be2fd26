"""Runs a job of Spark on this machine."""

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
    """Run a described job by spark-submit, and note the rows that it wrote to Delta tables."""
    from alchemesh_platform.deployment.code.left_over import ATTEMPT_VARIABLE
    from alchemesh_platform.sdk.code.description import read_job
    from alchemesh_platform.systems.local.jobs.job import run_job
    from alchemesh_platform.systems.spark.submitting import SparkOptions, Submission
    from alchemesh_platform.systems.spark.written import Commits

    descriptor, given = Path(job.descriptor or ""), dict(variables or {})
    described = read_job(descriptor)
    submission = Submission(
        SparkOptions.model_validate(described.options),
        descriptor.parent,
        given[ATTEMPT_VARIABLE],
        described.python,
        {**environ, **{name: value for name, value in described.env.items() if isinstance(value, str)}},
        on_output,
    )
    commits = Commits(connections)
    with submission.folders():
        done = run_job(
            described.model_copy(update={"env": {**described.env, **submission.variables()}}),
            connections,
            arguments,
            on_output,
            environ=environ,
            variables=given,
            cancelled=cancelled,
            program=submission.command(),
        )
    commits.keep_receipts(submission.run, given)
    return done
