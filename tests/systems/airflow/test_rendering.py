"""The DAG of a plain entrypoint, as text."""

from __future__ import annotations

import ast
import runpy
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import jinja2
import pytest

from alchemesh_platform.systems.airflow.rendering import (
    SCHEDULED,
    PlainDag,
    asset_uri,
    plain_dag,
    port_of,
    secrets_backend,
)

AT = datetime(2026, 11, 30, 2, tzinfo=UTC)
DAG = PlainDag(
    dag_id="aviation__flights",
    product="aviation/flights",
    environment="prod",
    descriptor="/run/aviation/flights/job.json",
    since="2026-01-02T03:04:05+00:00",
)


def changed(**values: Any) -> str:
    return plain_dag(PlainDag(**{name: getattr(DAG, name) for name in DAG.__slots__} | values))


def assigned(text: str, name: str) -> Any:
    """The value of a constant of the file."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise AssertionError(name)


def test_the_task_starts_the_launcher_with_expressions_of_airflow() -> None:
    command = assigned(plain_dag(DAG), "COMMAND")
    assert command[:4] == [sys.executable, "-m", "alchemesh_platform.app.runs.started", DAG.descriptor]
    assert "--engine=airflow" in command
    assert "--engine-run={{ run_id }}" in command
    assert "--attempt={{ ti.try_number }}" in command


def test_a_schedule_has_its_time_zone_and_counts_from_the_first_delivery() -> None:
    text = changed(schedule="30 2 * * *", time_zone="Europe/Amsterdam")
    assert "schedule=CronTriggerTimetable('30 2 * * *', timezone='Europe/Amsterdam')," in text
    assert "start_date=datetime.fromisoformat('2026-01-02T03:04:05+00:00')," in text
    assert "max_active_runs=1," in text
    assert "tags=['alchemesh', 'prod', 'aviation/flights']," in text


@pytest.mark.parametrize(
    ("rule", "catchup", "skips"), [("latest", False, False), ("all", True, False), ("none", False, True)]
)
def test_missed_times_follow_the_rule(rule: str, catchup: bool, skips: bool) -> None:
    text = changed(schedule="0 * * * *", catch_up=rule)
    assert f"catchup={catchup}," in text
    assert assigned(text, "SKIPS_MISSED") is skips


def test_a_change_of_any_upstream_asset_starts_a_run() -> None:
    uris = (asset_uri("prod", "met/weather/table"), asset_uri("prod", "met/wind/table"))
    text = changed(on=uris)
    assert "schedule=Asset('alchemesh://prod/met/weather/table') | Asset('alchemesh://prod/met/wind/table')," in text
    assert port_of(uris[0], "prod") == "met/weather/table"
    assert port_of("s3://bucket/other", "prod") is None


def test_hostile_names_stay_texts() -> None:
    text = changed(
        schedule="0 * * * *", time_zone="X'); import os #", outlets=("alchemesh://prod/x'y",), keeper="/a 'b"
    )
    ast.parse(text)
    assert assigned(text, "KEEPER") == "/a 'b"
    assert 'timezone="X\'); import os #"' in text


def test_the_secrets_backend_is_python_with_its_places() -> None:
    text = secrets_backend("/run/_airflow/dags", "/run/keeper.sock")
    ast.parse(text)
    assert assigned(text, "KEEPER") == "/run/keeper.sock"
    assert shlex.quote("/run/_airflow/dags") in text


def test_a_path_with_the_marks_of_a_template_stays_a_path() -> None:
    path = "/run/{{ var.value.x }}/it's/{# a #}/job.json"
    command = assigned(changed(descriptor=path, python="/opt/{%/python"), "COMMAND")
    assert [jinja2.Template(command[at]).render() for at in (0, 3)] == ["/opt/{%/python", path]


@pytest.mark.parametrize("field", ["run_after", "data_interval_end"])
def test_a_missed_time_is_skipped_in_each_version_of_airflow(
    field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow 3 names the time of a run `run_after`; Airflow 2 has the end of its interval only."""
    file = loaded(changed(schedule="0 * * * *", catch_up="none", descriptor="/run/job.json"), tmp_path, monkeypatch)
    run = SimpleNamespace(run_type="scheduled", conf=None, **{field: datetime(2026, 1, 1, tzinfo=UTC)})
    task = file["Launch"](command=[sys.executable, "-c", ""], task_id="code")
    with pytest.raises(file["AirflowSkipException"], match="a missed time of the schedule"):
        task.execute({"dag_run": run})


def loaded(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a DAG file, with the parts of Airflow that it imports."""

    class Part:
        def __init__(self, *_: Any, **__: Any) -> None:
            return

        def __enter__(self) -> None:
            return

        def __exit__(self, *_: object) -> None:
            return

    skip = type("AirflowSkipException", (Exception,), {})
    fail = type("AirflowFailException", (Exception,), {})
    parts = {
        "airflow": {},
        "airflow.exceptions": {
            "AirflowException": Exception,
            "AirflowFailException": fail,
            "AirflowSkipException": skip,
        },
        "airflow.sdk": {"DAG": Part, "Asset": Part, "BaseOperator": Part, "CronTriggerTimetable": Part},
    }
    for name, values in parts.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    file = folder / "dag.py"
    file.write_text(text, "utf-8")
    return runpy.run_path(str(file))


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"run_type": SimpleNamespace(value="scheduled"), "run_after": AT, "data_interval_end": None}, AT.isoformat()),
        ({"run_type": "scheduled", "data_interval_end": AT}, AT.isoformat()),
        ({"run_type": "manual", "run_after": AT}, ""),
    ],
)
def test_a_scheduled_run_passes_its_time_in_each_version_of_airflow(run: dict[str, Any], expected: str) -> None:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    assert environment.from_string(SCHEDULED).render(dag_run=SimpleNamespace(**run)) == expected
    assert f"--scheduled={SCHEDULED}" in assigned(plain_dag(DAG), "COMMAND")


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [(130, "AirflowFailException", "the run was cancelled"), (3, "AirflowException", "ended with exit status 3")],
)
def test_a_cancelled_run_is_not_retried(
    status: int, error: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow retries a task after each exception but this one."""
    file = loaded(plain_dag(DAG), tmp_path, monkeypatch)
    task = file["Launch"](command=[sys.executable, "-c", f"raise SystemExit({status})"], task_id="code")
    with pytest.raises(Exception, match=said) as failed:
        task.execute({"dag_run": SimpleNamespace(run_type="manual", conf=None)})
    assert type(failed.value) is file[error]


def test_the_time_limit_of_a_task_has_room_for_the_run_that_it_waits_for() -> None:
    assert "execution_timeout=timedelta(seconds=7800)," in changed(timeout_seconds=3600)
