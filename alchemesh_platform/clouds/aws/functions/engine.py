"""Lambda as an engine of code: it invokes the function, and reads the reports that each run leaves in a bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.clouds.aws.client import client_of
from alchemesh_platform.clouds.aws.functions.runtime import CONFLICTS
from alchemesh_platform.clouds.aws.services import Missing, answered, code_of
from alchemesh_platform.sdk.code.engine import EngineRun, RunRequest
from alchemesh_platform.sdk.connections.job import JobConnection

NAME = "lambda"
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: an event waits for 6 hours at most
WAITING_MAX = timedelta(hours=6)
SILENT_MAX = timedelta(seconds=60)  # after the end of a function's time, for the clocks of two machines


class NotCancelled(Failure):
    """Raised when a run cannot be ended."""

    exit_code = ExitCode.USAGE


class Lambda:
    """Functions of Lambda. See :class:`~alchemesh_platform.sdk.code.engine.CodeEngine`."""

    name = NAME

    def start(self, job: JobConnection, request: RunRequest, *, environ: Mapping[str, str]) -> EngineRun:
        """Invoke the function, which runs once for a request.

        Raises:
            Failure: when AWS refuses the invocation.
        """
        reports = Reports(job, environ)
        asked = {"run": request.id, "request": request.id, "trigger": request.trigger, "state": "queued"}
        # A repeated request finds the report of the first one, which may have run.
        reports.write(request.id, {**asked, "requested_at": datetime.now(UTC).isoformat()}, IfNoneMatch="*")
        event = {
            "request": request.id,
            "trigger": request.trigger,
            "arguments": list(request.arguments),
            "interval": None if request.interval is None else [each.isoformat() for each in request.interval],
        }
        function, _, alias = str(job.engine_job).partition(":")
        with answered(f"the function {function}"):
            client_of("lambda", environ, region=_region(job)).invoke(
                FunctionName=function, Qualifier=alias, InvocationType="Event", Payload=json.dumps(event).encode()
            )
        return EngineRun(request.id, "queued", request=request.id, trigger=request.trigger)

    def look(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> EngineRun:
        """The state of a run, by its report.

        Raises:
            Failure: when the bucket of the reports does not answer.
        """
        report, _ = Reports(job, environ).read(run_id)
        return _run_of(run_id, report, job, datetime.now(UTC))

    def cancel(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> None:
        """Cancel a run that has not started.

        Raises:
            NotCancelled: when it has started: Lambda cannot end an invocation.
        """
        reports = Reports(job, environ)
        report, condition = reports.read(run_id)
        while report.get("state") == "queued":
            now = datetime.now(UTC).isoformat()
            if reports.write(run_id, {**report, "state": "cancelled", "finished_at": now}, **condition):
                return
            report, condition = reports.read(run_id)  # the function started at this moment
        if report.get("state") == "running":
            raise NotCancelled(
                f"Lambda cannot end the run {run_id}, which has started",
                hint="it ends by itself, at the latest at its time limit",
            )

    def log(self, job: JobConnection, run_id: str, *, environ: Mapping[str, str]) -> str:
        """The end of the code's output, which the report has."""
        return str(Reports(job, environ).read(run_id)[0].get("output") or "")

    def runs(self, job: JobConnection, since: datetime, *, environ: Mapping[str, str]) -> Sequence[EngineRun]:
        """The runs since a moment that no request started."""
        now = datetime.now(UTC)
        reports = Reports(job, environ)
        found = (_run_of(run, reports.read(run)[0], job, now) for run in reports.since(since))
        return [run for run in found if run.request is None]


ENGINE = Lambda()


class Reports:
    """The reports of a function's runs.

    Args:
        job: The function.
        environ: Variables with the sign-in.
    """

    def __init__(self, job: JobConnection, environ: Mapping[str, str]) -> None:
        self.bucket, _, self.folder = str(job.descriptor).removeprefix("s3://").partition("/")
        with answered(f"the reports in {self.bucket}"):
            self.client = client_of("s3", environ, region=_region(job))

    def read(self, run: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The report of a run, empty if there is none, and the condition of a write that replaces just this one."""
        try:
            with answered(f"the report of {run}"):
                found = self.client.get_object(Bucket=self.bucket, Key=f"{self.folder}/{run}.json")
                return json.loads(found["Body"].read()), {"IfMatch": found["ETag"]}
        except Missing:
            return {}, {"IfNoneMatch": "*"}

    def write(self, run: str, report: Mapping[str, Any], **condition: str) -> bool:
        """Write the report of a run; returns whether the condition held.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        from botocore.exceptions import ClientError

        place = {"Bucket": self.bucket, "Key": f"{self.folder}/{run}.json"}
        with answered(f"the report of {run}"):
            try:
                self.client.put_object(**place, Body=json.dumps(dict(report)).encode(), **condition)
            except ClientError as error:
                if condition and code_of(error) in CONFLICTS:
                    return False
                raise
        return True

    def since(self, moment: datetime) -> Iterator[str]:
        """The runs whose reports changed since a moment."""
        with answered(f"the reports in {self.bucket}"):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=f"{self.folder}/"):
                for each in page.get("Contents", ()):
                    if each["LastModified"] >= moment.replace(microsecond=0):
                        yield each["Key"].removeprefix(f"{self.folder}/").removesuffix(".json")


def _run_of(run: str, report: Mapping[str, Any], job: JobConnection, now: datetime) -> EngineRun:
    state, problem = report.get("state", "queued"), report.get("problem")
    finished = _moment(report.get("finished_at"))
    if state == "running" and now.timestamp() > float(report["ends_by"]) + SILENT_MAX.total_seconds():
        state, problem = "failed", _silent(report)
        finished = datetime.fromtimestamp(float(report["ends_by"]), UTC)
    requested = _moment(report.get("requested_at"))
    if state == "queued" and requested is not None and now > requested + WAITING_MAX:
        state, problem, finished = "failed", f"Lambda did not run {job.engine_job} within {WAITING_MAX}", now
    return EngineRun(
        id=run,
        state=state,
        started_at=_moment(report.get("started_at")),
        finished_at=finished if state != "queued" else None,
        problem=problem if state != "queued" else None,
        request=report.get("request"),
        trigger=report.get("trigger", "schedule"),
        exit_status=report.get("exit_status"),
        output=report.get("output"),
        written=report.get("written"),
        interval=_interval(report.get("interval")),
    )


def _silent(report: Mapping[str, Any]) -> str:
    where = report.get("log_group") or "its log group"
    return f"the function ended without a report: Lambda stopped it, for its memory or its time; see {where}"


def _interval(found: Any) -> tuple[datetime, datetime] | None:
    if not found:
        return None
    begin, end = (datetime.fromisoformat(each) for each in found)
    return begin, end


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _region(job: JobConnection) -> str | None:
    """The region in an address: ``https://lambda.eu-central-1.amazonaws.com``."""
    return job.engine_address.split(".")[1] if job.engine_address else None
