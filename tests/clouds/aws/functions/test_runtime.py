"""The program that runs the code in a function, and its reports. S3 and Secrets Manager are those of moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from alchemesh_platform.clouds.aws.functions.package import Sources, build
from alchemesh_platform.clouds.aws.functions.runtime import CONNECTIONS_FILE, SETTINGS, RunFailed, handler
from alchemesh_platform.systems.local.jobs.entrypoint import interpreter_arguments

CODE = """
import json, os, sys, time
def main():
    print("ran", sys.argv[1:], os.environ.get("ALCHEMESH_INTERVAL_FROM"))
def secret():
    print("token is", os.environ["TOKEN"])
def rows():
    with open(os.environ["ALCHEMESH_RECEIPTS"], "a") as file:
        file.write(json.dumps({"port": "out", "model": "gate", "rows": 3}) + "\\n")
def broken():
    print("before")
    raise SystemExit(7)
def slow():
    time.sleep(600)
def connected():
    print(open(os.environ["ALCHEMESH_CONNECTIONS"]).read())
"""


@dataclass
class Context:
    """The context of an invocation."""

    aws_request_id: str = "of-lambda"
    seconds: float = 60.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Function:
    """A function whose code is in a folder."""

    monkeypatch: pytest.MonkeyPatch

    def configure(self, function: str, **more: Any) -> None:
        settings = {"command": interpreter_arguments(f"job:{function}"), "reports": "s3://acme/runs", **more}
        self.monkeypatch.setenv(SETTINGS, json.dumps(settings))

    def report(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            boto3.client("s3").get_object(Bucket="acme", Key=f"runs/{run}.json")["Body"].read()
        )
        return found


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    (tmp_path / "job.py").write_text(CODE)
    (tmp_path / "alchemesh_connections.json").write_text('{"product": "aviation/gates"}')
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="acme")
        yield Function(monkeypatch)


def test_a_run_reports_its_end_and_output(function: Function) -> None:
    function.configure("main")
    event = {"request": "r1", "trigger": "backfill", "arguments": ["a", "b"], "interval": ["2026-01-01", "2026-01-02"]}
    assert handler(event, Context()) == {"run": "r1", "state": "succeeded", "exit_status": 0, "written": {}}
    report = function.report("r1")
    assert (report["state"], report["trigger"], report["attempt"]) == ("succeeded", "backfill", 1)
    assert report["output"] == "ran ['a', 'b'] 2026-01-01"
    assert report["started_at"] < report["finished_at"]


def test_a_scheduled_run_has_the_id_of_its_invocation(function: Function) -> None:
    function.configure("main")
    handler({}, Context())
    assert (function.report("of-lambda")["request"], function.report("of-lambda")["trigger"]) == (None, "schedule")


def test_a_request_that_is_delivered_twice_runs_once(function: Function) -> None:
    function.configure("rows")
    assert handler({"request": "r1"}, Context())["written"] == {"out/gate": 3}
    first = function.report("r1")
    assert handler({"request": "r1"}, Context())["written"] == {"out/gate": 3}
    assert function.report("r1") == first


def test_a_failure_is_repeated_as_often_as_declared(function: Function) -> None:
    function.configure("broken", retries=1)
    for attempt, state in ((1, "queued"), (2, "failed")):
        with pytest.raises(RunFailed, match="the code ended with exit status 7"):
            handler({"request": "r1"}, Context())
        report = function.report("r1")
        assert (report["state"], report["attempt"], report["exit_status"]) == (state, attempt, 7)
    assert function.report("r1")["output"] == "before"


def test_code_that_takes_too_long_is_stopped_in_time_for_its_report(function: Function) -> None:
    function.configure("slow")
    with pytest.raises(RunFailed):
        handler({"request": "r1"}, Context(seconds=5.5))
    assert function.report("r1")["problem"] == "the code was stopped after 0 s, its time limit"


def test_secrets_are_read_at_the_start_and_masked(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    boto3.client("secretsmanager").create_secret(Name="gates--token", SecretString="s3cr3t-value")
    function.configure("secret", secrets={"TOKEN": "gates--token"})
    handler({"request": "r1"}, Context())
    assert function.report("r1")["output"] == "token is [secret]"
    assert "s3cr3t-value" not in capsys.readouterr().out + json.dumps(function.report("r1"))


def test_a_secret_without_a_value_is_the_reason_of_the_failure(function: Function) -> None:
    function.configure("secret", secrets={"TOKEN": "gates--token"})
    with pytest.raises(RunFailed):
        handler({"request": "r1"}, Context())
    assert function.report("r1")["problem"] == (
        "the secret gates--token of the variable TOKEN has no value (ResourceNotFoundException); `aws secretsmanager "
        "put-secret-value --secret-id gates--token --secret-string …` gives it one"
    )


def test_connections_are_in_a_file_of_the_package(function: Function) -> None:
    function.configure("connected")
    handler({"request": "r1"}, Context())
    assert function.report("r1")["output"] == '{"product": "aviation/gates"}'


def test_connections_of_an_image_are_in_a_package_of_their_own(function: Function, tmp_path: Path) -> None:
    (tmp_path / "alchemesh_connections.json").unlink()
    large = json.dumps({"product": "aviation/gates", "schemas": "x" * 5000})  # variables have 4 KB together
    build(Sources(tmp_path, (), None, "3.12", "x86_64", {CONNECTIONS_FILE: large}), tmp_path / "package.zip")
    boto3.client("s3").upload_file(str(tmp_path / "package.zip"), "acme", "packages/1.zip")
    function.configure("connected", connections="s3://acme/packages/1.zip")
    handler({"request": "r1"}, Context())
    assert function.report("r1")["output"] == large


def test_a_time_of_the_schedule_has_the_interval_since_the_time_before(function: Function) -> None:
    function.configure("main", schedule="15 6 * * MON-FRI", time_zone="Europe/Amsterdam")
    handler({"trigger": "schedule", "scheduled": "2026-03-30T04:15:00Z"}, Context())
    # From Friday to Monday, across the beginning of summer time.
    assert function.report("of-lambda")["interval"] == ["2026-03-27T05:15:00+00:00", "2026-03-30T04:15:00+00:00"]
    assert function.report("of-lambda")["output"] == "ran [] 2026-03-27T05:15:00+00:00"
    handler({"trigger": "schedule", "scheduled": "<aws.scheduler.scheduled-time>"}, Context("emulated"))
    assert function.report("emulated")["interval"] is None


def test_a_run_that_is_cancelled_while_it_starts_does_not_run(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alchemesh_platform.clouds.aws.functions.runtime import Reports

    function.configure("main")
    put = partial(boto3.client("s3").put_object, Bucket="acme", Key="runs/r1.json")
    put(Body=json.dumps({"run": "r1", "state": "queued"}))
    read = Reports.read

    def read_and_cancel(self: Reports, run: str) -> Any:
        found = read(self, run)
        if found[0]["state"] == "queued":
            put(Body=json.dumps({"run": "r1", "state": "cancelled"}))
        return found

    monkeypatch.setattr(Reports, "read", read_and_cancel)
    assert handler({"request": "r1"}, Context())["state"] == "cancelled"
    assert function.report("r1") == {"run": "r1", "state": "cancelled"}


def test_each_line_of_a_secret_is_masked(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="gates--key", SecretString="BEGIN KEY\nc2VjcmV0\nEND KEY\n")
    secrets.create_secret(Name="gates--short", SecretString="c2V")
    function.configure("secret", secrets={"TOKEN": "gates--key", "SHORT": "gates--short"})
    handler({"request": "r1"}, Context())
    assert function.report("r1")["output"] == "token is [secret]\n[secret]\n[secret]\n"
    assert "c2V" not in capsys.readouterr().out + json.dumps(function.report("r1"))
