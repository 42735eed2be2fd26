"""Starts, follows and cancels runs of a DAG, for `alchemesh run` and `alchemesh runs`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.sdk.code.engine import EngineRun, EngineState, RunRequest, Trigger
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.systems.airflow.client import AirflowFailed, Client, DagRun, Existing
from alchemesh_platform.systems.airflow.connecting import Place, client_of
from alchemesh_platform.systems.airflow.rendering import NAME, port_of

CANCELLED = "cancelled by alchemesh"
_STATES: dict[str, EngineState] = {
    "queued": "queued",
    "running": "running",
    "success": "succeeded",
    "failed": "failed",
}
_TRIGGERS: dict[str, Trigger] = {
    "scheduled": "schedule",
    "backfill": "backfill",
    "asset_triggered": "asset",
    "dataset_triggered": "asset",
    "manual": "manual",
}
_CLIENT_SECONDS = 300.0  # of one sign-in


class AirflowEngine:
    """Airflow, as the platform's use cases see it."""

    name = NAME

    def __init__(self) -> None:
        self._clients: dict[str, tuple[float, Client]] = {}

    def start(self, job: JobConnection, request: RunRequest, *, environ: Mapping[str, str]) -> EngineRun:
        """Start a run, whose id contains that of the request: a repeated request finds the same run."""
        client, dag_id = self._client(job, environ), _dag_of(job)
        run_id = f"alchemesh__{request.id}"
        given: dict[str, Any] = {
            "request": request.id,
            "trigger": request.trigger,
            "arguments": list(request.arguments),
        }
        if request.interval is not None:
            given["from"], given["to"] = (moment.isoformat() for moment in request.interval)
        try:
            run = client.start(dag_id, run_id, {"alchemesh": given})
        except Existing:
            run = client.run(dag_id, run_id)
        return self._seen(client, job, run, request.environment)

    def look(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> EngineRun:
        """The state of a run."""
        client = self._client(job, environ)
        return self._seen(client, job, client.run(_dag_of(job), run_id), None)

    def cancel(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> None:
        """Set the state of a run to failed, with a note. Airflow ends its tasks within seconds."""
        client = self._client(job, environ)
        if _STATES.get(client.run(_dag_of(job), run_id).state) in ("queued", "running", None):
            client.end(_dag_of(job), run_id, CANCELLED)

    def log(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> str:
        """The logs of the tasks of a run, each with its name if there are several."""
        client, dag_id = self._client(job, environ), _dag_of(job)
        tasks = client.tasks(dag_id, run_id)
        texts = []
        for task in tasks:
            for attempt in range(1, task.tries + 1):
                with suppress(AirflowFailed):  # a task that did not start has no log
                    title = f"— {task.id}, attempt {attempt} —\n" if len(tasks) > 1 or task.tries > 1 else ""
                    texts.append(title + client.log(dag_id, run_id, task, attempt))
        return "\n".join(texts)

    def runs(self, job: JobConnection, since: datetime, *, environ: Mapping[str, str]) -> Sequence[EngineRun]:
        """The runs of a team's own DAG that ended since a moment. Those of a generated DAG record themselves.

        A long run ends after shorter ones that started later, so its start does not say whether it is known.
        """
        if job.descriptor is not None:
            return ()
        client, dag_id = self._client(job, environ), _dag_of(job)
        found = client.runs(dag_id, end_date_gte=since.isoformat(), order_by="start_date")
        return [self._seen(client, job, run, None) for run in found]

    def _client(self, job: JobConnection, environ: Mapping[str, str]) -> Client:
        """A client that is signed in since a short time."""
        place = _place_of(job)
        key = place.model_dump_json()
        at, client = self._clients.get(key, (0.0, None))
        if client is None or time.monotonic() - at > _CLIENT_SECONDS:
            client = client_of(place, environ)
            self._clients[key] = (time.monotonic(), client)
        return client

    def _seen(self, client: Client, job: JobConnection, run: DagRun, environment: str | None) -> EngineRun:
        given = run.conf.get("alchemesh") or {}
        state = _STATES.get(run.state, "queued")
        problem = None
        if state == "failed" and run.note == CANCELLED:
            state, problem = "cancelled", CANCELLED
        elif state == "failed":
            problem = _problem(client, _dag_of(job), run.id)
        return EngineRun(
            id=run.id,
            state=state,
            started_at=run.started_at,
            finished_at=run.finished_at,
            problem=problem,
            url=client.run_page(_dag_of(job), run.id),
            request=given.get("request"),
            trigger=given.get("trigger") or _TRIGGERS.get(run.kind, "manual"),
            written=_written(client, job, run.id) if state == "succeeded" else None,
        )


def _dag_of(job: JobConnection) -> str:
    if job.engine_job is None:
        raise Failure("the code has no DAG", hint=remedy("{} delivers it", command("up")))
    return job.engine_job


def _place_of(job: JobConnection) -> Place:
    login = dict(job.engine_login or {})
    return Place.model_validate(login if "folder" in login else {"address": job.engine_address, **login})


def _problem(client: Client, dag_id: str, run_id: str) -> str:
    failed = [task for task in client.tasks(dag_id, run_id) if task.state in ("failed", "upstream_failed")]
    first = next((task for task in failed if task.state == "failed"), None)
    if first is None:
        return "Airflow ended the run"
    attempts = f" after {first.tries} attempts" if first.tries > 1 else ""
    return f"task {first.id!r} failed{attempts}"


def _written(client: Client, job: JobConnection, run_id: str) -> Mapping[str, int] | None:
    """The rows that the asset events of a team's DAG report: ``extra={"rows": …}`` of the asset of a port."""
    if job.descriptor is not None:
        return None
    found: dict[str, int] = {}
    for uri, extra in client.asset_events(_dag_of(job), run_id):
        environment = uri.removeprefix("alchemesh://").partition("/")[0]
        port, rows = port_of(uri, environment), extra.get("rows")
        if port is not None and isinstance(rows, int) and not isinstance(rows, bool):
            found[port.rpartition("/")[2]] = rows
    return found or None


ENGINE = AirflowEngine()
