"""`alchemesh plan --resources`: every resource of a deployment, offline, for the examples on each platform."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from tests.builtin import ROOT

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = [
    ("flights", "local"),
    ("flights", "prod"),
    ("flights", "aws"),
    ("punctuality", "local"),
    ("departures", "prod"),
]


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no program to start, no secret, and a home that stays empty."""

    def refused(*_arguments: Any, **_more: Any) -> None:
        raise AssertionError("offline")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(subprocess, "Popen", refused)
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("KAFKA_PASSWORD", raising=False)
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))


def arguments(example: str, environment: str) -> list[str]:
    file = {"prod": "platforms/gcp.yaml", "aws": "platforms/aws.yaml"}.get(environment)
    platform = ["--platform", file] if file is not None else []
    return ["plan", f"examples/{example}", "-e", environment, "--resources", *platform]


@pytest.mark.parametrize(("example", "environment"), EXAMPLES)
def test_every_resource_of_an_example_is_listed(
    example: str, environment: str, update: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(arguments(example, environment)) == ExitCode.DONE
    reported = capsys.readouterr().out
    golden = GOLDEN / f"{example}-{environment}.txt"
    if update:
        golden.write_text(reported, "utf-8")
    assert reported == golden.read_text("utf-8")
    assert not (tmp_path / "home").exists()


def test_json_gives_each_resource_with_its_port_type_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*arguments("departures", "prod"), "--json"]) == ExitCode.DONE
    reported = capsys.readouterr().out
    resources = json.loads(reported)["resources"]
    bucket = {"kind": "input", "port": "events", "type": "gcp:storage/bucket:Bucket", "name": "events-landing-bucket"}
    assert bucket in resources
    assert all(resource.keys() == bucket.keys() for resource in resources)
    # A plan without resources has otherwise the same document.
    assert invoke([each for each in arguments("departures", "prod") if each != "--resources"] + ["--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain == {key: value for key, value in json.loads(reported).items() if key != "resources"}


def test_problems_are_reported_and_no_resource_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "alchemesh.yaml").write_text("kind: DataProduct\nname: flights\n")
    assert invoke(["plan", str(tmp_path), "--resources"]) == ExitCode.PROBLEMS
    assert capsys.readouterr().out == ""
