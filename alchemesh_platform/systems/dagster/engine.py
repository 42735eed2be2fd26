"""Dagster as the engine of a product's code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import SecretRef, resolve
from alchemesh_platform.sdk.code.engine import EngineRun, EngineState, RunRequest
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.systems.dagster.client import Dagster, DagsterFailed

REQUEST_TAG = "alchemesh/request"
LOOKS = 4  # a run that is followed for hours outlives a restart of the webserver
_PAGE = 100
# https://docs.dagster.io/api/graphql: RunStatus
_STATES: dict[str, EngineState] = {
    "QUEUED": "queued",
    "NOT_STARTED": "queued",
    "MANAGED": "queued",
    "STARTING": "queued",
    "STARTED": "running",
    "CANCELING": "running",
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "CANCELED": "cancelled",
}
_RUN = (
    "runId status startTime endTime jobName tags { key value }"
    " assetMaterializations { assetKey { path } metadataEntries { label ... on IntMetadataEntry { intValue } } }"
)
ROWS = "dagster/row_count"  # https://docs.dagster.io/guides/build/assets/metadata-and-tags: the standard name

_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { RUN } }
  ... on RunConfigValidationInvalid { errors { message } } ... on PipelineNotFoundError { message }
  ... on InvalidSubsetError { message } ... on RunConflict { message } ... on UnauthorizedError { message }
  ... on PythonError { message } } }""".replace("RUN", _RUN)
_LOOK = """query($id: ID!) { runOrError(runId: $id) { __typename ... on Run { RUN }
  ... on RunNotFoundError { message } ... on PythonError { message } } }""".replace("RUN", _RUN)
_FAILURES = """query($id: ID!, $after: String) { logsForRun(runId: $id, afterCursor: $after, limit: 1000) { __typename
  ... on EventConnection { cursor hasMore events { __typename ... on MessageEvent { message timestamp stepKey level }
    ... on RunFailureEvent { error { message } } ... on ExecutionStepFailureEvent { error { message stack }
    failureMetadata { description } } } } ... on RunNotFoundError { message } } }"""
_CANCEL = """mutation($id: String!) { terminateRun(runId: $id, terminatePolicy: SAFE_TERMINATE) { __typename
  ... on TerminateRunFailure { message } ... on RunNotFoundError { message } ... on UnauthorizedError { message }
  ... on PythonError { message } } }"""
_RUNS = """query($filter: RunsFilter!, $after: String) { runsOrError(filter: $filter, cursor: $after, limit: 100) {
  __typename ... on Runs { results { RUN } } ... on InvalidPipelineRunsFilterError { message }
  ... on PythonError { message } } }""".replace("RUN", _RUN)


class DagsterEngine:
    """Runs of a product's code location."""

    name = "dagster"

    def start(self, job: JobConnection, request: RunRequest, *, environ: Mapping[str, str]) -> EngineRun:
        """Launch a run of the job."""
        dagster, (location, name) = _dagster(job, environ), _names(job)
        tags = {REQUEST_TAG: request.id, "alchemesh/product": request.product, "alchemesh/trigger": request.trigger}
        config: dict[str, Any] = {}
        if _is_entrypoint(job):
            config = {"ops": {"run_entrypoint": {"config": _config(request)}}}
        elif request.arguments:
            raise DagsterFailed(
                f"the definitions of {request.product} take no arguments", hint="run it without arguments"
            )
        found = dagster.locations().get(location)
        if found is None or not found.repositories:
            reason = "does not know it" if found is None else f"cannot load it: {_first(found.problem)}"
            raise DagsterFailed(
                f"Dagster at {dagster.address} {reason}: code location {location}",
                hint=remedy("{} adds it again", command("up", about_product=True)),
            )
        parameters = {
            "selector": {
                "repositoryLocationName": location,
                "repositoryName": found.repositories[0],
                "jobName": name,
            },
            "mode": "default",
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        answer = dagster.ask(_LAUNCH, {"params": parameters}, seconds=60.0)["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise _refused(dagster, f"job {name} of {location}", answer)
        return _run(dagster, answer["run"])

    def look(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> EngineRun:
        """The state of a run."""
        dagster = _dagster(job, environ)
        answer = dagster.ask(_LOOK, {"id": run_id}, tries=LOOKS)["runOrError"]
        if answer["__typename"] != "Run":
            raise _refused(dagster, f"run {run_id}", answer)
        found = _run(dagster, answer)
        if found.state != "failed":
            return found
        return _run(dagster, answer, problem=_problem(dagster, run_id))

    def cancel(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> None:
        """End a run."""
        if self.look(job, run_id, environ=environ).has_ended:
            return
        dagster = _dagster(job, environ)
        answer = dagster.ask(_CANCEL, {"id": run_id}, seconds=60.0)["terminateRun"]
        if answer["__typename"] != "TerminateRunSuccess" and not self.look(job, run_id, environ=environ).has_ended:
            raise _refused(dagster, f"the end of run {run_id}", answer)

    def log(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> str:
        """The events of a run in Dagster, one a line."""
        dagster = _dagster(job, environ)
        return "\n".join(
            f"{_moment(each).isoformat(timespec='seconds')} {each['level']} {each['message']}"
            for each in _events(dagster, run_id)
            if each.get("message")
        )

    def runs(self, job: JobConnection, since: datetime, *, environ: Mapping[str, str]) -> Sequence[EngineRun]:
        """Runs of the team's own definitions since a moment; those of a plain entrypoint record themselves."""
        if _is_entrypoint(job):
            return ()
        dagster, (location, _) = _dagster(job, environ), _names(job)
        repositories = (dagster.locations().get(location) or _Nothing).repositories
        found: list[EngineRun] = []
        for repository in repositories:
            chosen = {
                "tags": [{"key": ".dagster/repository", "value": f"{repository}@{location}"}],
                "updatedAfter": since.timestamp(),
            }
            after: str | None = None
            while True:
                answer = dagster.ask(_RUNS, {"filter": chosen, "after": after})["runsOrError"]
                if answer["__typename"] != "Runs":
                    raise _refused(dagster, f"the runs of {location}", answer)
                found += (_run(dagster, each) for each in answer["results"])
                if len(answer["results"]) < _PAGE:
                    break
                after = answer["results"][-1]["runId"]
        return tuple(found)


class _Nothing:
    repositories: tuple[str, ...] = ()


def _dagster(job: JobConnection, environ: Mapping[str, str]) -> Dagster:
    token = (job.engine_login or {}).get("token")
    return Dagster(job.engine_address or "", None if token is None else resolve(SecretRef(**token), environ))


def _names(job: JobConnection) -> tuple[str, str]:
    """The location and the job."""
    location, _, name = (job.engine_job or "").partition("/")
    return location, name


def _is_entrypoint(job: JobConnection) -> bool:
    """Whether the job starts the launcher. The team's own definitions have no description of a job."""
    return job.descriptor is not None


def _config(request: RunRequest) -> dict[str, Any]:
    """The values of the op's configuration: served/location.py passes them to the launcher."""
    found: dict[str, Any] = {"request": request.id, "trigger": request.trigger}
    if request.interval is not None:
        found["from"], found["to"] = (moment.isoformat() for moment in request.interval)
    return {**found, "arguments": list(request.arguments)} if request.arguments else found


def _run(dagster: Dagster, found: Mapping[str, Any], problem: str | None = None) -> EngineRun:
    tags = {each["key"]: each["value"] for each in found["tags"]}
    return EngineRun(
        id=found["runId"],
        state=_STATES.get(found["status"], "running"),
        started_at=_time(found.get("startTime")),
        finished_at=_time(found.get("endTime")),
        problem=problem,
        url=f"{dagster.address.rstrip('/')}/runs/{found['runId']}",
        request=tags.get(REQUEST_TAG),
        written=_written(found),
        trigger="schedule"
        if "dagster/schedule_name" in tags
        else "asset"
        if "dagster/sensor_name" in tags
        else "manual",
    )


def _written(found: Mapping[str, Any]) -> dict[str, int]:
    """The rows that a run reported with its materializations, by port and model."""
    rows = {}
    for each in found.get("assetMaterializations") or ():
        path = each["assetKey"]["path"]
        counts = [entry.get("intValue") for entry in each["metadataEntries"] if entry["label"] == ROWS]
        if len(path) > 1 and counts and counts[0] is not None:
            rows["/".join(path[-2:])] = int(counts[0])
    return rows


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(event["timestamp"]) / 1000, UTC)


def _events(dagster: Dagster, run_id: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    after: str | None = None
    while True:
        answer = dagster.ask(_FAILURES, {"id": run_id, "after": after})["logsForRun"]
        if answer["__typename"] != "EventConnection":
            raise _refused(dagster, f"the log of run {run_id}", answer)
        found += answer["events"]
        if not answer["hasMore"]:
            return found
        after = answer["cursor"]


def _problem(dagster: Dagster, run_id: str) -> str | None:
    """The reason of a failed run: that of its failed step, or of the run itself."""
    said = []
    for event in _events(dagster, run_id):
        if event["__typename"] == "ExecutionStepFailureEvent":
            described = (event.get("failureMetadata") or {}).get("description")
            said.append(described or _first((event.get("error") or {}).get("message")))
        elif event["__typename"] == "RunFailureEvent" and not said:
            said.append(_first((event.get("error") or {}).get("message")) or event.get("message") or "")
    return next((each for each in reversed(said) if each), None)


def _first(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]


def _refused(dagster: Dagster, what: str, answer: Mapping[str, Any]) -> DagsterFailed:
    said = answer.get("message") or "; ".join(each["message"] for each in answer.get("errors") or ())
    return DagsterFailed(f"Dagster at {dagster.address} refuses {what}: {_first(said) or answer['__typename']}")


ENGINE = DagsterEngine()
