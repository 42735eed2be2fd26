"""The launcher that engines start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from alchemesh_platform.app.runs.started import main
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.code.launch import launch_command
from tests.app.runs.deployed import PRODUCT, deploy_code

AT = datetime(2026, 3, 29, 1, tzinfo=UTC)
DAY = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The launcher takes the signals of its process."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def options(descriptor: Path, **more: object) -> list[str]:
    given = {"engine": "dagster", "engine_run": "r-7", "trigger": "schedule", **more}
    return launch_command(str(descriptor), **given)[3:]  # type: ignore[arg-type] # options by name


def is_over(process: psutil.Process) -> bool:
    """Whether a process has ended, even if nobody has collected its status."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_the_command_names_the_descriptor_the_engine_and_the_request() -> None:
    assert launch_command(
        "/jobs/job.json",
        engine="airflow",
        engine_run="{{ run_id }}",
        trigger="manual",
        request="{{ dag_run.conf.get('request', '') }}",
        attempt=2,
        interval=DAY,
        arguments=("--since", "2013"),
        python="/venv/bin/python",
    ) == [
        "/venv/bin/python",
        "-m",
        "alchemesh_platform.app.runs.started",
        "/jobs/job.json",
        "--engine=airflow",
        "--engine-run={{ run_id }}",
        "--trigger=manual",
        "--request={{ dag_run.conf.get('request', '') }}",
        "--attempt=2",
        "--from=2026-11-01T00:00:00+00:00",
        "--to=2026-11-02T00:00:00+00:00",
        "--",
        "--since",
        "2013",
    ]


def test_a_run_of_an_engine_is_in_the_history_with_its_output_and_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import os, sys\nprint(sys.argv[1:], os.environ['ALCHEMESH_INTERVAL_FROM'])\n"
    platform, descriptor = deploy_code(tmp_path, code)
    assert main(options(descriptor, request="q-1", attempt=3, interval=DAY, arguments=("--all",))) == 0
    line = "['--all'] 2026-11-01T00:00:00+00:00\n"
    assert capsys.readouterr().out == line
    with Registry.open(platform.registry) as registry:
        [run] = registry.deployments(PRODUCT, "local")
    assert (run.outcome, run.output, run.exit_status) == ("succeeded", line, 0)
    assert (run.actor, run.version) == ("product:shop/orders", "1.2.0")
    assert (run.engine, run.engine_run, run.trigger, run.attempt) == ("dagster", "r-7", "schedule", 3)
    assert (run.request, run.interval) == ("q-1", DAY)


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({"schedule": "0 3 * * *", "time_zone": "Europe/Amsterdam"}, (datetime(2026, 3, 28, 2, tzinfo=UTC), AT)),
        ({}, None),
    ],
)
def test_a_run_for_a_time_of_the_schedule_is_about_the_time_since_the_one_before(
    tmp_path: Path, described: dict[str, str], expected: tuple[datetime, datetime] | None
) -> None:
    """On this night the clocks of Amsterdam go forward: the two times are 23 hours apart."""
    platform, descriptor = deploy_code(tmp_path, "", **described)
    assert main(options(descriptor, scheduled=AT, interval=("", ""))) == 0
    with Registry.open(platform.registry) as registry:
        [run] = registry.deployments(PRODUCT, "local")
    assert run.interval == expected


def test_an_option_that_an_expression_leaves_empty_counts_as_not_given(tmp_path: Path) -> None:
    platform, descriptor = deploy_code(tmp_path, "")
    assert main(options(descriptor, request="", interval=("", ""))) == 0
    with Registry.open(platform.registry) as registry:
        [run] = registry.deployments(PRODUCT, "local")
    assert (run.request, run.interval, run.attempt) == (None, None, 1)


def test_an_id_that_ends_with_an_equals_sign_is_a_value(tmp_path: Path) -> None:
    platform, descriptor = deploy_code(tmp_path, "")
    assert main(options(descriptor, engine_run="r-8=", request="cS0x=")) == 0
    with Registry.open(platform.registry) as registry:
        [run] = registry.deployments(PRODUCT, "local")
    assert (run.engine_run, run.request) == ("r-8=", "cS0x=")


def test_the_launcher_exits_with_the_status_of_the_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, descriptor = deploy_code(tmp_path, "raise SystemExit(3)")
    assert main(options(descriptor)) == 3
    assert capsys.readouterr().err == "error: the code ended with exit status 3\n"


def test_a_secret_without_a_value_fails_the_run_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORDERS_TOKEN", raising=False)
    platform, descriptor = deploy_code(tmp_path, "", env={"TOKEN": {"secret": "ORDERS_TOKEN"}})
    assert main(options(descriptor)) != 0
    assert "ORDERS_TOKEN" in capsys.readouterr().err
    with Registry.open(platform.registry) as registry:
        [run] = registry.deployments(PRODUCT, "local")
    assert run.outcome == "failed"
    assert "ORDERS_TOKEN" in (run.problem or "")


def test_a_description_of_an_earlier_version_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, descriptor = deploy_code(tmp_path, "")
    descriptor.write_text(descriptor.read_text().replace(f'"home": "{tmp_path / "home"}"', '"home": null'))
    assert main(options(descriptor)) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: the description of the job of shop/orders names no environment on this machine: "
        "an earlier version wrote it",
        "hint: `alchemesh up` writes it again",
    ]


@pytest.mark.slow
def test_sigterm_cancels_the_run_and_sigkill_leaves_a_run_that_the_next_one_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The code of a killed run went on, and wrote at the same time as the next run."""
    code = "import sys, time\nprint('begun', flush=True)\ntime.sleep(600 if sys.argv[1:] else 0)\n"
    platform, descriptor = deploy_code(tmp_path, code)

    def begun(engine_run: str) -> subprocess.Popen[str]:
        line = launch_command(
            str(descriptor), engine="airflow", engine_run=engine_run, trigger="manual", arguments=("wait",)
        )
        process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return process

    cancelled = begun("one")
    cancelled.send_signal(signal.SIGTERM)
    cancelled.communicate(timeout=60)
    assert cancelled.returncode == 130
    killed = begun("two")
    [code_of_killed] = psutil.Process(killed.pid).children()
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(60)
    assert not is_over(code_of_killed), "a killed launcher cannot end its code"
    assert main(options(descriptor)) == 0
    assert is_over(code_of_killed)
    assert "ended 1 process that a killed run of shop/orders left running\n" in capsys.readouterr().err
    with Registry.open(platform.registry) as registry:
        found = [(run.engine_run, run.outcome, run.problem) for run in registry.deployments(PRODUCT, "local")]
    assert found == [
        ("r-7", "succeeded", None),
        ("two", "failed", "its process was killed"),
        ("one", "cancelled", "stopped by hand"),
    ]
    assert sys.executable == launch_command("d", engine="e", engine_run="r", trigger="manual")[0]
