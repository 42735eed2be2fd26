"""Starts, follows and kills executions of a flow, for `alchemesh run` and `alchemesh runs`."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.sdk.code.engine import EngineRun, EngineState, RunRequest, Trigger
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.systems.kestra.client import Execution, Kestra, KestraFailed, Place
from alchemesh_platform.systems.kestra.start import NAME

REQUEST = "alchemesh-request"
TRIGGER = "alchemesh-trigger"
# https://kestra.io/docs/workflow-components/states
_STATES: dict[str, EngineState] = {
    "CREATED": "queued",
    "QUEUED": "queued",
    "SUBMITTED": "queued",
    "RUNNING": "running",
    "PAUSED": "running",
    "RESTARTED": "running",
    "RETRYING": "running",
    "RETRIED": "failed",
    "KILLING": "running",
    "BREAKPOINT": "running",
    "RESUBMITTED": "running",
    "SUCCESS": "succeeded",
    "WARNING": "succeeded",
    "SKIPPED": "cancelled",
    "FAILED": "failed",
    "KILLED": "cancelled",
    "CANCELLED": "cancelled",
}
_CLASS = re.compile(r"^(?:[a-z]\w*\.)+[A-Z]\w*: ")  # the Java class of an error, in front of its message
_PAGE = 100
_LONGEST = timedelta(days=1)  # an execution that takes longer may stay out of the history
_SHOWN = ("INFO", "WARN", "ERROR")


class KestraEngine:
    """Kestra, as the platform's use cases see it."""

    name = NAME

    def __init__(self) -> None:
        self._clients: dict[str, Kestra] = {}
        self._lock = threading.Lock()

    def start(self, job: JobConnection, request: RunRequest, *, environ: Mapping[str, str]) -> EngineRun:
        """Start an execution. Its labels name the request and the reason; so do the inputs of a generated flow."""
        kestra, (namespace, flow) = self._client(job, environ), _flow_of(job)
        inputs = {
            "request": request.id,
            "trigger": request.trigger,
            "arguments": json.dumps(list(request.arguments)),
        }
        if request.interval is not None:
            inputs["from"], inputs["to"] = (moment.isoformat() for moment in request.interval)
        if job.descriptor is None and request.arguments:
            raise KestraFailed(
                f"the flow {job.engine_job} takes no arguments: it is the team's own",
                hint="leave the arguments out, or give the flow inputs with defaults",
            )
        labels = {REQUEST: request.id, TRIGGER: request.trigger}
        given = None if job.descriptor is None else inputs
        try:
            started = kestra.execute(namespace, flow, inputs=given, labels=labels)
        except KestraFailed:
            # The answer may be lost although the execution exists: the same request must not run twice.
            found = self._of_request(kestra, namespace, flow, request.id)
            if found is None:
                raise
            started = found
        return self._seen(kestra, job, started)

    def look(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> EngineRun:
        """The state of an execution."""
        kestra = self._client(job, environ)
        return self._seen(kestra, job, kestra.execution(run_id))

    def cancel(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> None:
        """Kill an execution. Kestra ends its processes."""
        self._client(job, environ).kill(run_id)

    def log(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> str:
        """The log of an execution, from INFO on."""
        lines = self._client(job, environ).log(run_id)
        return "\n".join(message for level, message in lines if level in _SHOWN)

    def runs(self, job: JobConnection, since: datetime, *, environ: Mapping[str, str]) -> Sequence[EngineRun]:
        """The executions of a team's own flow that ended since a moment, and those that run.

        Those of a generated flow record themselves.
        """
        if job.descriptor is not None:
            return ()
        kestra, (namespace, flow) = self._client(job, environ), _flow_of(job)
        found = list(_since(kestra, namespace, flow, since - _LONGEST))
        return [
            self._seen(kestra, job, each)
            for each in reversed(found)
            if each.finished_at is None or each.finished_at >= since
        ]

    def _client(self, job: JobConnection, environ: Mapping[str, str]) -> Kestra:
        """One client for each server and login: its connections and the server's version are kept."""
        place = _place_of(job)
        key = place.model_dump_json()
        with self._lock:
            if key not in self._clients:
                self._clients[key] = Kestra(place, environ)
            return self._clients[key]

    @staticmethod
    def _of_request(kestra: Kestra, namespace: str, flow: str, request: str) -> Execution | None:
        try:
            found = kestra.executions(namespace, flow)
        except Failure:
            return None
        return next((each for each in found if each.labels.get(REQUEST) == request), None)

    def _seen(self, kestra: Kestra, job: JobConnection, execution: Execution) -> EngineRun:
        state = _STATES.get(execution.state, "running")
        namespace, flow = _flow_of(job)
        return EngineRun(
            id=execution.id,
            state=state,
            started_at=execution.started_at,
            finished_at=execution.finished_at,
            problem=_problem(kestra, execution) if state in ("failed", "cancelled") else None,
            url=kestra.page_of_execution(namespace, flow, execution.id),
            request=execution.labels.get(REQUEST),
            trigger=_trigger_of(execution),
        )


def _since(kestra: Kestra, namespace: str, flow: str, since: datetime) -> Iterator[Execution]:
    """The executions of a flow that began since a moment, the newest first, each once."""
    known: set[str] = set()
    for page in count(1):
        found = kestra.executions(namespace, flow, size=_PAGE, page=page)
        fresh = [each for each in found if each.id not in known]  # a new execution moves others to the next page
        known.update(each.id for each in fresh)
        yield from (each for each in fresh if each.created_at >= since)
        if not fresh or len(found) < _PAGE or fresh[-1].created_at < since:
            return


def _problem(kestra: Kestra, execution: Execution) -> str:
    if execution.state == "KILLED":
        return "killed in Kestra"
    try:
        errors = [message for level, message in kestra.log(execution.id) if level == "ERROR" and message.strip()]
    except KestraFailed:
        errors = []
    said = _CLASS.sub("", errors[-1].strip().splitlines()[0]) if errors else None
    return said or f"Kestra reports the execution as {execution.state}"


def _trigger_of(execution: Execution) -> Trigger:
    given: Any = execution.labels.get(TRIGGER)
    if given in ("schedule", "manual", "asset", "backfill"):
        return given  # type: ignore[no-any-return]
    return "manual" if execution.trigger is None else "schedule"


def _flow_of(job: JobConnection) -> tuple[str, str]:
    namespace, _, flow = (job.engine_job or "").rpartition("/")
    return namespace, flow


def _place_of(job: JobConnection) -> Place:
    return Place.model_validate({"address": job.engine_address, **(job.engine_login or {})})


ENGINE = KestraEngine()
