"""Lambda as an engine of code, by the reports of runs. Its services are those of moto."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from alchemesh_platform.clouds.aws.client import client_of
from alchemesh_platform.clouds.aws.emulation.servers.services import Place
from alchemesh_platform.clouds.aws.functions.engine import ENGINE, NotCancelled, Reports
from alchemesh_platform.sdk.code.engine import RunRequest
from alchemesh_platform.sdk.connections.job import JobConnection

JOB = JobConnection(
    entrypoint="job:main",
    descriptor="s3://acme/runs",
    engine="lambda",
    engine_address="https://lambda.eu-central-1.amazonaws.com",
    engine_job="gates:live",
)
ENVIRON = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
NOW = datetime.now(UTC)  # of the collection, which may be long ago when a test runs


@pytest.fixture
def bucket() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="acme")
        yield client


def put(bucket: Any, run: str, **report: Any) -> None:
    bucket.put_object(Bucket="acme", Key=f"runs/{run}.json", Body=json.dumps({"run": run, **report}).encode())


def test_a_function_that_is_gone_is_an_error_in_one_sentence(bucket: Any) -> None:
    from alchemesh_platform.base.failure import Failure

    with pytest.raises(Failure, match="the function gates: Function not found"):
        ENGINE.start(JOB, RunRequest("r1", "aviation/gates", "prod"), environ=ENVIRON)


def test_a_report_becomes_a_run(bucket: Any) -> None:
    began = NOW - timedelta(minutes=1)
    put(
        bucket,
        "r1",
        state="failed",
        request="r1",
        trigger="manual",
        started_at=began.isoformat(),
        finished_at=NOW.isoformat(),
        exit_status=7,
        output="before",
        written={"out/gate": 3},
        problem="the code ended with exit status 7",
    )
    run = ENGINE.look(JOB, "r1", environ=ENVIRON)
    assert (run.state, run.started_at, run.finished_at, run.exit_status) == ("failed", began, NOW, 7)
    assert (run.problem, run.output, run.written) == ("the code ended with exit status 7", "before", {"out/gate": 3})
    assert ENGINE.log(JOB, "r1", environ=ENVIRON) == "before"


def test_a_run_without_a_report_waits(bucket: Any) -> None:
    assert ENGINE.look(JOB, "r1", environ=ENVIRON).state == "queued"


def test_a_run_that_lambda_stopped_has_failed_after_its_time(bucket: Any) -> None:
    """Lambda kills a function that needs too much memory, and nothing of it can report that."""
    put(bucket, "r1", state="running", ends_by=NOW.timestamp() - 120, log_group="/aws/lambda/gates")
    run = ENGINE.look(JOB, "r1", environ=ENVIRON)
    assert run.state == "failed"
    assert run.problem == (
        "the function ended without a report: Lambda stopped it, for its memory or its time; see /aws/lambda/gates"
    )


def test_a_request_that_lambda_never_ran_has_failed_after_six_hours(bucket: Any) -> None:
    put(bucket, "r1", state="queued", request="r1", requested_at=(NOW - timedelta(hours=7)).isoformat())
    assert ENGINE.look(JOB, "r1", environ=ENVIRON).problem == "Lambda did not run gates:live within 6:00:00"


def test_a_waiting_run_is_cancelled_and_a_running_one_is_not(bucket: Any) -> None:
    put(bucket, "waiting", state="queued", request="waiting", requested_at=NOW.isoformat())
    put(bucket, "running", state="running", request="running", ends_by=NOW.timestamp() + 60)
    ENGINE.cancel(JOB, "waiting", environ=ENVIRON)
    assert ENGINE.look(JOB, "waiting", environ=ENVIRON).state == "cancelled"
    with pytest.raises(NotCancelled, match="Lambda cannot end the run running, which has started"):
        ENGINE.cancel(JOB, "running", environ=ENVIRON)


def test_a_run_that_starts_while_it_is_cancelled_goes_on(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bucket, "r1", state="queued", request="r1", requested_at=NOW.isoformat())
    read = Reports.read

    def read_and_start(self: Reports, run: str) -> Any:
        found = read(self, run)
        if found[0]["state"] == "queued":
            put(bucket, "r1", state="running", request="r1", ends_by=datetime.now(UTC).timestamp() + 60)
        return found

    monkeypatch.setattr(Reports, "read", read_and_start)
    with pytest.raises(NotCancelled):
        ENGINE.cancel(JOB, "r1", environ=ENVIRON)
    assert ENGINE.look(JOB, "r1", environ=ENVIRON).state == "running"


def test_given_credentials_are_used_whatever_the_shell_has(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`alchemesh run --emulate` in a shell that is signed in to AWS."""
    monkeypatch.setenv("AWS_PROFILE", "of-nobody")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-somebody")
    here = Place(1, "000000000000", "us-east-1").variables()
    client = client_of("s3", {**os.environ, **here})
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert client._request_signer._credentials.get_frozen_credentials()[:3] == ("test", "test", "")


def test_scheduled_runs_are_listed_and_requested_ones_are_not(bucket: Any) -> None:
    day = (NOW - timedelta(days=1), NOW)
    report = {"request": None, "trigger": "schedule", "interval": [each.isoformat() for each in day]}
    put(bucket, "by-schedule", state="succeeded", finished_at=NOW.isoformat(), **report)
    put(bucket, "by-request", state="succeeded", request="by-request", finished_at=NOW.isoformat())
    found = ENGINE.runs(JOB, NOW - timedelta(minutes=1), environ=ENVIRON)
    assert [(run.id, run.trigger, run.interval) for run in found] == [("by-schedule", "schedule", day)]
    assert ENGINE.runs(JOB, datetime.now(UTC) + timedelta(hours=1), environ=ENVIRON) == []
