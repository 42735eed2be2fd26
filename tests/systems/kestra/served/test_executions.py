"""Executions of flows, by the engine that `alchemesh run` uses, against a real Kestra engine."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from alchemesh_platform.sdk.code.engine import EngineRun, RunRequest
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.systems.kestra.client import Kestra
from alchemesh_platform.systems.kestra.engine import ENGINE
from parts.kestra import Kestra as Server
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# Writes its process id, waits for a file, and ends.
GATE = """\
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
with (folder / "started").open("a") as file:
    file.write(f"{os.getpid()}\\n")
while not (folder / "open").exists():
    time.sleep(0.02)
print("through the gate", os.environ.get("FLIGHTS_TOKEN"), flush=True)
"""


def written(client: Kestra, server: Server, flow: str, command: str, more: str = "") -> JobConnection:
    """A team's own flow with one command."""
    client.create(
        f"id: {flow}\nnamespace: aviation.runs\nconcurrency: {{limit: 1, behavior: QUEUE}}\ntasks:\n"
        "  - id: run\n    type: io.kestra.plugin.scripts.shell.Commands\n"
        "    taskRunner: {type: io.kestra.plugin.core.runner.Process}\n"
        f"    commands: ['exec {command}']\n{more}"
    )
    return JobConnection(
        entrypoint="flow.yaml", engine="kestra", engine_address=server.url, engine_job=f"aviation.runs/{flow}"
    )


def gate(folder: Path) -> str:
    """The command of a task that waits for a file of the folder."""
    (folder / "gate.py").write_text(GATE, "utf-8")
    return f"{sys.executable} {folder / 'gate.py'} {folder}"


def started(job: JobConnection) -> EngineRun:
    request = RunRequest(id=uuid.uuid4().hex, product="aviation/runs", environment="local")
    return ENGINE.start(job, request, environ={})


def looked(job: JobConnection, run: EngineRun) -> EngineRun:
    return ENGINE.look(job, run.id, environ={})


def ended(job: JobConnection, run: EngineRun) -> EngineRun:
    found: list[EngineRun] = []

    def has_ended() -> bool:
        found.append(looked(job, run))
        return found[-1].has_ended

    until(has_ended, "the end of the execution")
    return found[-1]


def processes(folder: Path) -> list[int]:
    file = folder / "started"
    return [int(each) for each in file.read_text("utf-8").split()] if file.exists() else []


def has_started(folder: Path, times: int = 1) -> Callable[[], bool]:
    return lambda: len(processes(folder)) >= times


def test_a_second_run_waits_for_the_first_and_both_have_a_log(
    client: Kestra, kestra_server: Server, tmp_path: Path
) -> None:
    secret = "    env: {FLIGHTS_TOKEN: \"{{ secret('FLIGHTS_TOKEN') }}\"}\n"
    job = written(client, kestra_server, "gate", gate(tmp_path), secret)
    first = started(job)
    until(has_started(tmp_path), "the start of the first run")
    second = started(job)
    until(lambda: looked(job, first).state == "running", "the state of the first run")
    assert looked(job, second).state == "queued"
    (tmp_path / "open").touch()
    done = [ended(job, first), ended(job, second)]
    assert [each.state for each in done] == ["succeeded", "succeeded"]
    assert done[0].finished_at is not None
    assert done[1].started_at is not None
    assert done[0].request != done[1].request
    assert len(processes(tmp_path)) == 2
    until(lambda: "through the gate ******" in ENGINE.log(job, first.id, environ={}), "the log")
    seen = ENGINE.runs(job, datetime(2026, 1, 1, tzinfo=UTC), environ={})
    assert [(each.id, each.trigger) for each in seen] == [(first.id, "manual"), (second.id, "manual")]
    assert ENGINE.runs(job, datetime.now(UTC), environ={}) == []
    ENGINE.cancel(job, first.id, environ={})  # it has ended


def test_a_cancelled_run_ends_with_its_process(client: Kestra, kestra_server: Server, tmp_path: Path) -> None:
    job = written(client, kestra_server, "cancelled", gate(tmp_path))
    run = started(job)
    until(has_started(tmp_path), "the start of the run")
    ENGINE.cancel(job, run.id, environ={})
    done = ended(job, run)
    assert (done.state, done.problem) == ("cancelled", "killed in Kestra")
    until(lambda: not psutil.pid_exists(processes(tmp_path)[0]), "the end of the process")


@pytest.mark.parametrize(
    ("name", "more", "problem"),
    [
        ("status", "", "Command failed with exit code 3"),
        (
            "secret",
            "    env: {TOKEN: \"{{ secret('NOBODY_HAS_IT') }}\"}\n",
            "Cannot find secret for key 'NOBODY_HAS_IT'. ({{ secret('NOBODY_HAS_IT') }}:1)",
        ),
    ],
)
def test_a_failed_run_names_its_reason(
    client: Kestra, kestra_server: Server, name: str, more: str, problem: str
) -> None:
    job = written(client, kestra_server, f"failed-{name}", 'sh -c "exit 3"', more)
    done = ended(job, started(job))
    assert done.state == "failed"
    until(lambda: looked(job, done).problem == problem, "the reason")


def test_a_schedule_starts_runs_that_kestra_reports(client: Kestra, kestra_server: Server, tmp_path: Path) -> None:
    job = written(
        client,
        kestra_server,
        "scheduled",
        "true",
        "triggers:\n  - id: each-second\n    type: io.kestra.plugin.core.trigger.Schedule\n"
        "    withSeconds: true\n    cron: '* * * * * *'\n",
    )
    began = datetime(2026, 1, 1, tzinfo=UTC)
    until(lambda: any(each.has_ended for each in ENGINE.runs(job, began, environ={})), "a scheduled run")
    client.delete("aviation.runs", "scheduled")
    first = ENGINE.runs(job, began, environ={})[0]
    assert (first.trigger, first.request) == ("schedule", None)
