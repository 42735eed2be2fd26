"""Runs a product's code in a function of Lambda, and reports the run. It is a file of the function's package.

It needs the standard library and boto3 only, which Lambda's runtime has. The code runs in a process of its own, as
under `alchemesh run`: the same entrypoint, its exit status, and no state of an earlier run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SETTINGS = "ALCHEMESH_FUNCTION"  # a JSON object: command, reports, secrets, retries, schedule, time_zone, connections
CONNECTIONS = "ALCHEMESH_CONNECTIONS"
# In the package, since variables of a function have 4 KB together. For an image, the package in the bucket has only it.
CONNECTIONS_FILE = "alchemesh_connections.json"
REPORT_SECONDS = 5.0  # before the end of a function's time, for the report of a run that was stopped
KEPT_LINES = 2000
KEPT_CHARACTERS = 64 * 1024
SHORTEST_MASKED = 4  # of the lines of a value: masking shorter ones would remove ordinary words
MASK = "[secret]"
ENDED = ("succeeded", "failed", "cancelled")
CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")

Report = dict[str, Any]


class RunFailed(Exception):
    """Raised when the code failed, so that Lambda counts the invocation as failed and repeats it if it should."""


def handler(event: Mapping[str, Any], context: Any) -> Report:
    """Run the code once, unless the same request has succeeded.

    Args:
        event: ``request``, ``trigger``, ``arguments`` and ``interval``; all are optional.
        context: The context of the invocation.

    Raises:
        RunFailed: when the code failed.
    """
    settings = json.loads(os.environ[SETTINGS])
    given = event if isinstance(event, Mapping) else {}
    run = str(given.get("request") or given.get("run") or context.aws_request_id)
    reports = Reports(settings["reports"])
    before, report = _begun(reports, run, given, settings, context)
    if before.get("state") in ENDED:
        return before  # asynchronous invocations are delivered at least once
    try:
        report.update(_run(settings, given, report, context))
    except Exception as error:  # noqa: BLE001 - every reason belongs into the report
        report.update(state="failed", problem=str(error), exit_status=None)
    report["finished_at"] = _now()
    last = report["attempt"] > int(settings.get("retries") or 0)
    failed = report["state"] == "failed"
    if failed and not last:
        report["state"] = "queued"  # Lambda invokes the function again
    reports.write(run, report)
    if failed:
        raise RunFailed(report["problem"])
    return {name: report[name] for name in ("run", "state", "exit_status", "written")}


def _begun(
    reports: Reports, run: str, event: Mapping[str, Any], settings: Mapping[str, Any], context: Any
) -> tuple[Report, Report]:
    """The report before this attempt, and the one of this attempt, which is written unless the run has ended.

    The first writer wins: a run that is cancelled at this moment does not start, or is not cancelled.
    """
    while True:
        before, token = reports.read(run)
        report = _first_report(run, event, settings, context, before)
        if before.get("state") in ENDED or reports.write(run, report, **token):
            return before, report


def _first_report(
    run: str, event: Mapping[str, Any], settings: Mapping[str, Any], context: Any, before: Report
) -> Report:
    interval = event.get("interval")
    return {
        "run": run,
        "request": event.get("request"),
        "trigger": event.get("trigger", "schedule"),
        "interval": _since_the_time_before(event.get("scheduled"), settings) if interval is None else interval,
        "attempt": int(before.get("attempt") or 0) + 1,
        "state": "running",
        "started_at": _now(),
        "ends_by": datetime.now(UTC).timestamp() + context.get_remaining_time_in_millis() / 1000,
        "log_group": getattr(context, "log_group_name", None),
        "log_stream": getattr(context, "log_stream_name", None),
    }


def _since_the_time_before(scheduled: Any, settings: Mapping[str, Any]) -> list[str] | None:
    """The interval of a run for a time of the schedule: since the time before it.

    None without a schedule, and for code without alchemesh-platform, which calculates the times and reads intervals.
    """
    if not isinstance(scheduled, str) or not scheduled[:1].isdigit() or not settings.get("schedule"):
        return None  # an emulated scheduler leaves its placeholder in place
    try:
        from alchemesh_platform.sdk.code.timetable import Timetable

        at = datetime.fromisoformat(scheduled.replace("Z", "+00:00"))
        before = Timetable(settings["schedule"], settings.get("time_zone") or "UTC").last_before(at)
    except ImportError:
        return None
    return None if before is None else [before.isoformat(), at.isoformat()]


class Reports:
    """The reports of a function's runs, one object for each.

    Args:
        address: Where they are: ``s3://bucket/folder``.
    """

    def __init__(self, address: str) -> None:
        import boto3

        self.bucket, _, self.folder = address.removeprefix("s3://").partition("/")
        self.client = boto3.client("s3")

    def read(self, run: str) -> tuple[Report, dict[str, str]]:
        """The report of a run, empty if there is none, and the condition of a write that replaces just this one.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=self._key(run))
        except self.client.exceptions.NoSuchKey:
            return {}, {"IfNoneMatch": "*"}
        return json.loads(found["Body"].read()), {"IfMatch": found["ETag"]}

    def write(self, run: str, report: Report, **condition: str) -> bool:
        """Write the report of a run; returns whether the condition held."""
        from botocore.exceptions import ClientError

        place = {"Bucket": self.bucket, "Key": self._key(run)}
        body = json.dumps(report, sort_keys=True).encode()
        try:
            self.client.put_object(**place, Body=body, ContentType="application/json", **condition)
        except ClientError as error:
            if condition and error.response["Error"]["Code"] in CONFLICTS:
                return False
            raise
        return True

    def _key(self, run: str) -> str:
        return f"{self.folder}/{run}.json"


def _run(settings: Mapping[str, Any], event: Mapping[str, Any], report: Report, context: Any) -> Report:
    secrets = dict(_secrets(settings.get("secrets") or {}))
    limit = context.get_remaining_time_in_millis() / 1000 - REPORT_SECONDS
    arguments = [str(each) for each in event.get("arguments") or ()]
    with tempfile.TemporaryDirectory(prefix="run-") as kept:
        receipts = Path(kept, "written.jsonl")
        environment = {**os.environ, **secrets, **_variables(report), "ALCHEMESH_RECEIPTS": str(receipts)}
        if settings.get("connections"):
            environment[CONNECTIONS] = _fetched(settings["connections"], kept)
        environment.pop(SETTINGS, None)
        status, output, late = _execute([sys.executable, *settings["command"], *arguments], environment, secrets, limit)
        written = _written(receipts)
    problem = None
    if late:
        problem = f"the code was stopped after {limit:.0f} s, its time limit"
    elif status < 0:
        problem = f"the code was ended by signal {-status}"
    elif status != 0:
        problem = f"the code ended with exit status {status}"
    state = "failed" if problem else "succeeded"
    return {"state": state, "exit_status": status, "output": output, "written": written, "problem": problem}


def _execute(
    command: list[str], environment: Mapping[str, str], secrets: Mapping[str, str], limit: float
) -> tuple[int, str, bool]:
    """The exit status, the end of the output, and whether the time limit ended the code."""
    process = subprocess.Popen(
        command,
        cwd=_root(),
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    late = threading.Event()

    def stop() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(max(limit, 0.1), stop)
    timer.start()
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            shown = _masked(line.rstrip("\n"), secrets)
            lines.append(shown)
            sys.stdout.write(f"{shown}\n")
        status = process.wait()
    finally:
        timer.cancel()
        sys.stdout.flush()
    return status, "\n".join(lines)[-KEPT_CHARACTERS:], late.is_set()


def _secrets(wanted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The values of secrets, by variable."""
    if not wanted:
        return
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client("secretsmanager")
    for variable, name in wanted.items():
        try:
            value, reason = client.get_secret_value(SecretId=name).get("SecretString"), "it is empty"
        except ClientError as error:
            value, reason = None, error.response["Error"]["Code"]
        if not value:
            remedy = f"`aws secretsmanager put-secret-value --secret-id {name} --secret-string …` gives it one"
            raise RunFailed(f"the secret {name} of the variable {variable} has no value ({reason}); {remedy}")
        yield variable, value


def _variables(report: Report) -> dict[str, str]:
    paths = [_root(), *(each for each in sys.path if each)]
    variables = {
        "ALCHEMESH_RUN": report["run"],
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONUNBUFFERED": "1",
        "HOME": tempfile.gettempdir(),  # the only folder that a function can write to
    }
    if (connections := Path(_root(), CONNECTIONS_FILE)).is_file():  # not in an image
        variables[CONNECTIONS] = str(connections)
    interval = report.get("interval")
    if interval:
        variables["ALCHEMESH_INTERVAL_FROM"], variables["ALCHEMESH_INTERVAL_TO"] = interval
    return variables


def _fetched(address: str, folder: str) -> str:
    """The file with the connections, from the package of a function whose code is an image.

    Args:
        address: The package: ``s3://bucket/packages/….zip``.
        folder: Where the file is put.
    """
    import boto3

    bucket, _, key = address.removeprefix("s3://").partition("/")
    package = Path(folder, "package.zip")
    boto3.client("s3").download_file(bucket, key, str(package))
    with zipfile.ZipFile(package) as archive:
        return archive.extract(CONNECTIONS_FILE, folder)


def _written(receipts: Path) -> dict[str, int]:
    rows: Counter[str] = Counter()
    for line in receipts.read_text("utf-8").splitlines() if receipts.is_file() else ():
        receipt = json.loads(line)
        rows[f"{receipt['port']}/{receipt['model']}"] += int(receipt["rows"])
    return dict(rows)


def _masked(line: str, secrets: Mapping[str, str]) -> str:
    values = {value for value in secrets.values() if value}
    values |= {part for value in values for part in value.splitlines() if len(part) >= SHORTEST_MASKED}
    for part in sorted(values, key=len, reverse=True):  # a value may contain another one
        line = line.replace(part, MASK)
    return line


def _root() -> str:
    return os.environ.get("LAMBDA_TASK_ROOT") or str(Path(__file__).parent)


def _now() -> str:
    return datetime.now(UTC).isoformat()
