"""The flow of a plain entrypoint: one task that starts the launcher."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from alchemesh_platform.systems.kestra.start import PREFIX

START = "alchemesh_platform.systems.kestra.start"
TASK = "io.kestra.plugin.scripts.shell.Commands"
PROCESS = "io.kestra.plugin.core.runner.Process"
SCHEDULE = "io.kestra.plugin.core.trigger.Schedule"
INPUTS = ("request", "trigger", "from", "to", "arguments")
# https://kestra.io/docs/workflow-components/triggers/schedule-trigger, recoverMissedSchedules
MISSED = {"latest": "LAST", "all": "ALL", "none": "NONE"}
# The launcher ends a run that takes too long, and may wait for another run before. Kestra ends a launcher that hangs.
SPARE = timedelta(minutes=10)


def rendered(
    *,
    namespace: str,
    flow: str,
    description: str,
    labels: Mapping[str, str],
    descriptor: str,
    secrets: Collection[str],
    schedule: str | None,
    time_zone: str,
    catch_up: str,
    limit: timedelta,
    python: str | None = None,
) -> str:
    """The source of the flow.

    Args:
        namespace: Its namespace.
        flow: Its id.
        description: One sentence for people who look at it in Kestra.
        labels: Labels of the platform.
        descriptor: Path of the job's description.
        secrets: Names of the secrets that the run needs. The flow refers to them; Kestra has their values.
        schedule: Cron expression.
        time_zone: Time zone of the schedule.
        catch_up: Times of the schedule that passed while Kestra was down: `latest`, `all` or `none`.
        limit: Time limit of a run with all its attempts.
        python: Python that has the platform; by default the one that runs now.
    """
    import yaml

    return yaml.safe_dump(
        {
            "id": flow,
            "namespace": namespace,
            "description": description,
            "labels": dict(labels),
            "inputs": [{"id": name, "type": "STRING", "required": False} for name in INPUTS],
            "concurrency": {"limit": 1, "behavior": "QUEUE"},
            "tasks": [_task(descriptor, secrets, limit, python or sys.executable)],
            **({"triggers": [_trigger(schedule, time_zone, catch_up)]} if schedule is not None else {}),
        },
        sort_keys=False,
        width=110,
        allow_unicode=True,
    )


def _task(descriptor: str, secrets: Collection[str], limit: timedelta, python: str) -> dict[str, Any]:
    scheduled = "trigger.date is defined"
    values = {
        "EXECUTION": "{{ execution.id }}",
        "REQUEST": "{{ inputs.request ?? '' }}",
        "TRIGGER": "{{ inputs.trigger ?? (" + scheduled + " ? 'schedule' : 'manual') }}",
        "FROM": "{{ inputs.from ?? trigger.previous ?? '' }}",
        "TO": "{{ inputs.to ?? trigger.date ?? '' }}",
        "ARGUMENTS": "{{ inputs.arguments ?? '[]' }}",
    }
    return {
        "id": "run",
        "type": TASK,
        "taskRunner": {"type": PROCESS},
        "timeout": f"PT{int((2 * limit + SPARE).total_seconds())}S",
        "env": {
            **{f"{PREFIX}{name}": value for name, value in values.items()},
            **{name: "{{ secret('" + name + "') }}" for name in sorted(secrets)},
        },
        "commands": [f"exec {shlex.join([python, '-m', START, descriptor])}"],
    }


def _trigger(schedule: str, time_zone: str, catch_up: str) -> dict[str, Any]:
    return {
        "id": "schedule",
        "type": SCHEDULE,
        "cron": schedule,
        "timezone": time_zone,
        "recoverMissedSchedules": MISSED[catch_up],
    }
