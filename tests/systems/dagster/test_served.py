"""The modules that run in Dagster's Python, with the real Dagster of the lock file: one process for all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.machine.environments import python_of
from alchemesh_platform.systems.dagster.environment import ensure_dagster
from alchemesh_platform.systems.dagster.location import SERVED

pytestmark = pytest.mark.slow

# It stands in for the launcher: it prints its arguments, and exits with the status in the file `status`.
LAUNCHER = "import pathlib, sys; print(*sys.argv[1:]); sys.exit(int(pathlib.Path('status').read_text()))"
SCRIPT = """
import json, pathlib, sys
import dagster as dg
from dagster._core.storage.tags import SCHEDULED_EXECUTION_TIME_TAG
import location as served

found = json.loads(pathlib.Path("location.json").read_text())
defs = served.definitions(found)
result = {"assets": sorted(key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys())}
job = defs.resolve_job_def("code")


def run(status, tags=None, config=None):
    pathlib.Path("status").write_text(str(status))
    config = {"ops": {"run_entrypoint": {"config": config}}} if config else {}
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(run_config=config, tags=tags, instance=instance, raise_on_error=False)
        messages = [each.user_message for each in instance.all_logs(done.run_id) if not each.is_dagster_event]
        failures = [each.event_specific_data.user_failure_data for each in done.all_events if each.is_step_failure]
    return {
        "success": done.success,
        "messages": [each.replace(done.run_id, "RUN") for each in messages],
        "failures": [each.description for each in failures],
        "retries": len([each for each in done.all_events if each.event_type_value == "STEP_RESTARTED"]),
    }


result["manual"] = run(0, config={"request": "r-1", "trigger": "manual", "arguments": ["7", "--all"]})
scheduled = {"dagster/schedule_name": "code_schedule", SCHEDULED_EXECUTION_TIME_TAG: "2026-11-30T02:00:00+00:00"}
result["scheduled"] = run(0, tags=scheduled)
result["failed"] = run(4)
result["cancelled"] = run(130)
sensor = defs.get_sensor_def("code_upstream")
tick = sensor.evaluate_tick(dg.build_sensor_context(definitions=defs))
result["due"] = [(each.run_key, each.run_config) for each in tick.run_requests]
found["assets"] = [{"key": ["shop", "orders", port, "order"], "own": True} for port in ("a", "b")]
keys = (["order"], ["a", "order"], ["shop", "orders", "b", "order"])
result["mapped"] = [served.asset_of(key, found) for key in keys]
print(json.dumps(result))
"""


def test_the_job_of_an_entrypoint_runs_the_launcher_and_its_sensor_asks_the_platform(tmp_path: Path) -> None:
    placeholders = [f"--{name}={{{name}}}" for name in ("run", "trigger", "request", "attempt", "scheduled")]
    location = {
        "working_directory": str(tmp_path),
        "job": "code",
        "group": "orders",
        "command": [sys.executable, "-c", LAUNCHER, "job.json", *placeholders],
        "due": [sys.executable, "-c", "print('change-1')"],
        "schedule": "0 3 * * *",
        "time_zone": "Europe/Amsterdam",
        "retries": 1,
        "retry_delay_seconds": 0,
        "assets": [
            {"key": ["shop", "orders", "orders-table", "order"], "own": True},
            {"key": ["shop", "till", "sales", "sale"], "own": False},
        ],
    }
    (tmp_path / "location.json").write_text(json.dumps(location), "utf-8")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVED.parent), "DAGSTER_HOME": str(tmp_path)}
    done = subprocess.run(
        [str(python_of(ensure_dagster())), "-c", SCRIPT],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["assets"] == ["shop/orders/orders-table/order", "shop/till/sales/sale"]
    assert found["manual"] == {
        "success": True,
        "messages": ["job.json --run=RUN --trigger=manual --request=r-1 --attempt=1 --scheduled= -- 7 --all"],
        "failures": [],
        "retries": 0,
    }
    assert found["scheduled"]["messages"] == [
        "job.json --run=RUN --trigger=schedule --request= --attempt=1 --scheduled=2026-11-30T02:00:00+00:00"
    ]
    assert found["failed"] == {
        "success": False,
        "messages": [
            f"job.json --run=RUN --trigger=manual --request= --attempt={number} --scheduled=" for number in (1, 2)
        ],
        "failures": ["the code ended with exit status 4"],
        "retries": 1,
    }
    assert (found["cancelled"]["failures"], found["cancelled"]["retries"]) == (["the code was cancelled"], 0)
    assert found["due"] == [["change-1", {"ops": {"run_entrypoint": {"config": {"trigger": "asset"}}}}]]
    assert found["mapped"] == [None, ["shop", "orders", "a", "order"], ["shop", "orders", "b", "order"]]
