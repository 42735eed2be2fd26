"""The flow of a plain entrypoint, and the launcher that its task becomes."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import pytest
import yaml

from alchemesh_platform.systems.kestra.rendering import rendered
from alchemesh_platform.systems.kestra.start import command_of

RUN = {"ALCHEMESH_KESTRA_EXECUTION": "4hu8", "PATH": "/bin"}


def flow(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "namespace": "aviation.flights",
        "flow": "code",
        "description": "Runs the code.",
        "labels": {"alchemesh-owner": "local:aviation/flights/code"},
        "descriptor": "/run/a b/job.json",
        "secrets": {"TOKEN"},
        "schedule": None,
        "time_zone": "UTC",
        "catch_up": "latest",
        "limit": timedelta(hours=1),
        "python": "/opt/python",
    }
    return yaml.safe_load(rendered(**(given | changes)))


def test_secrets_are_references() -> None:
    assert flow()["tasks"][0]["env"]["TOKEN"] == "{{ secret('TOKEN') }}"


def test_a_path_with_a_space_is_one_argument_of_the_shell() -> None:
    command = "exec /opt/python -m alchemesh_platform.systems.kestra.start '/run/a b/job.json'"
    assert flow()["tasks"][0]["commands"] == [command]


def test_kestra_runs_one_execution_at_a_time_and_ends_a_launcher_that_hangs() -> None:
    assert flow()["concurrency"] == {"limit": 1, "behavior": "QUEUE"}
    assert flow()["tasks"][0]["timeout"] == "PT7800S"


def test_only_a_schedule_is_a_trigger() -> None:
    assert "triggers" not in flow()


@pytest.mark.parametrize(("catch_up", "missed"), [("latest", "LAST"), ("all", "ALL"), ("none", "NONE")])
def test_a_schedule_has_a_time_zone_and_a_rule_for_missed_times(catch_up: str, missed: str) -> None:
    found = flow(schedule="0 6 * * 1", time_zone="Europe/Amsterdam", catch_up=catch_up)["triggers"]
    assert found == [
        {
            "id": "schedule",
            "type": "io.kestra.plugin.core.trigger.Schedule",
            "cron": "0 6 * * 1",
            "timezone": "Europe/Amsterdam",
            "recoverMissedSchedules": missed,
        }
    ]


def test_the_task_becomes_the_launcher() -> None:
    given = {
        "REQUEST": "abc",
        "TRIGGER": "backfill",
        "FROM": "2026-11-29T00:00:00+00:00",
        "TO": "2026-11-30T00:00:00+00:00",
        "ARGUMENTS": json.dumps(["--day", "$(id); 'x'"]),
    }
    command = command_of("/run/job.json", RUN | {f"ALCHEMESH_KESTRA_{name}": value for name, value in given.items()})
    assert command[:4] == [sys.executable, "-m", "alchemesh_platform.app.runs.started", "/run/job.json"]
    assert command[4:] == [
        "--engine=kestra",
        "--engine-run=4hu8",
        "--trigger=backfill",
        "--request=abc",
        "--from=2026-11-29T00:00:00+00:00",
        "--to=2026-11-30T00:00:00+00:00",
        "--",
        "--day",
        "$(id); 'x'",
    ]


@pytest.mark.parametrize("given", [{}, {"ALCHEMESH_KESTRA_FROM": "", "ALCHEMESH_KESTRA_TO": "2026-11-30T00:00:00Z"}])
def test_a_first_scheduled_execution_has_no_interval(given: dict[str, str]) -> None:
    command = command_of("/run/job.json", RUN | given)
    assert command[4:] == ["--engine=kestra", "--engine-run=4hu8", "--trigger=manual"]
