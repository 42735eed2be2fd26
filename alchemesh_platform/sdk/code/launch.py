"""The command that an engine starts for a run: the launcher, which runs the code and records the run.

Its arguments are a contract with deployed engines: a flow or a DAG of an older version still starts it with them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

from alchemesh_platform.sdk.code.engine import Trigger

LAUNCHER = "alchemesh_platform.app.runs.started"
CLOCK = "clock"  # the engine of `local-python`


def launch_command(
    descriptor: str,
    *,
    engine: str,
    engine_run: str,
    trigger: str | Trigger,
    request: str | None = None,
    attempt: str | int | None = None,
    interval: tuple[datetime | str, datetime | str] | None = None,
    scheduled: datetime | str | None = None,
    arguments: Sequence[str] = (),
    python: str | None = None,
) -> list[str]:
    """The command line of the launcher.

    Any value may be an expression of the engine, such as a template of Airflow. An option whose expression renders to
    nothing counts as not given.

    Args:
        descriptor: Path of the job's description.
        engine: Name of the engine, for the history.
        engine_run: The engine's own id of the run.
        trigger: The reason of the run.
        request: The id of the platform's request, if there is one.
        attempt: Number of the attempt, if the engine retries by itself. Without it, the launcher retries as the job's
            description says.
        interval: The interval of time whose data the run is about.
        scheduled: Without an interval: the time of the schedule that the run is for. The run is about the time since
            the one before it.
        arguments: Arguments for the code.
        python: The Python that has the platform; by default the one that runs now.
    """
    options = {"--engine": engine, "--engine-run": engine_run, "--trigger": trigger}
    if request is not None:
        options["--request"] = request
    if attempt is not None:
        options["--attempt"] = str(attempt)
    if interval is not None:
        options["--from"], options["--to"] = (_written(moment) for moment in interval)
    if scheduled is not None:
        options["--scheduled"] = _written(scheduled)
    given = [f"{name}={value}" for name, value in options.items()]
    return [python or sys.executable, "-m", LAUNCHER, descriptor, *given, *(["--", *arguments] if arguments else [])]


def _written(moment: datetime | str) -> str:
    return moment.isoformat() if isinstance(moment, datetime) else moment
