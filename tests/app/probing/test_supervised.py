"""The watch as a supervised process: started where the platform file says so, restarted, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from alchemesh_platform.app.probing.recording import folder_of
from alchemesh_platform.app.probing.supervised import NAME, keep_watch, program_of, secrets_of
from alchemesh_platform.app.probing.watch import AlreadyWatched, only_watcher
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.supervisor import shut_down
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from tests.app.probing.watched import ORDERS, SHOP, recorded, uptime
from tests.waiting import until

FILE = """
kind: Platform
name: acme
environments:
  dev:
    extends: builtin/local
    observations: {watch: true, every: 10s, measure_every: 1h, deadline: 2s}
    settings:
      kafka: {security: {protocol: SASL_SSL, username: u, password: {secret: KAFKA_PASSWORD}}}
"""


def written(folder: Path, text: str = FILE) -> Platform:
    file = folder / "platform.yaml"
    file.write_text(text)
    return load_platform(file, "dev", folder / "home")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """An environment that is watched, whose registry has a product."""
    found = written(tmp_path)
    recorded(tmp_path / "home", environment="dev")
    yield found
    shut_down(folder_of(found))


def test_the_watch_runs_under_a_supervisor_and_ends_with_the_last_product(platform: Platform) -> None:
    folder = folder_of(platform)
    assert keep_watch(platform, deployed=True) == "started"
    until(lambda: uptime(platform), "the port is probed")
    assert keep_watch(platform, deployed=True) is None
    with pytest.raises(AlreadyWatched), only_watcher(platform):
        pass

    first = processes.status(folder, NAME).pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: processes.status(folder, NAME).pid not in (None, first), "the supervisor restarts it")
    assert keep_watch(platform, deployed=False) == "ended"
    assert not psutil.pid_exists(first)
    assert processes.status(folder, NAME).state == "UNSUPERVISED"
    assert keep_watch(platform, deployed=False) is None


def test_a_changed_setting_is_another_program_and_secrets_stay_out_of_it(tmp_path: Path) -> None:
    one, other = written(tmp_path), written(tmp_path, FILE.replace("every: 10s", "every: 20s"))
    assert program_of(one) != program_of(other)
    assert program_of(one).command[-3:] == (str(tmp_path / "home"), "dev", str(tmp_path / "platform.yaml"))
    environ = {"KAFKA_PASSWORD": "hunter2", "OTHER": "x"}
    assert secrets_of(one, environ) == {"KAFKA_PASSWORD": "hunter2"}
    assert "hunter2" not in str(program_of(one))


def test_a_job_of_a_scheduler_observes_all_products_once(platform: Platform) -> None:
    home, environment, file = program_of(platform).command[-3:]
    command = [sys.executable, "-m", "alchemesh_platform.app.probing.supervised", home, environment, file, "--once"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"probing {ORDERS}" in done.stdout
    assert f"{SHOP}  files down: " in done.stdout
    assert [each.good for each in uptime(platform)] == [0]

    nothing = subprocess.run([*command[:-2], "--once"], capture_output=True, text=True, check=False)
    assert (nothing.returncode, nothing.stderr) == (ExitCode.USAGE, "")
    assert "no environment 'dev'" in nothing.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("every: 5s", "observations.every: found '5s', expected an interval from 10s to 1h"),
        ("deadline: 2m", "observations.deadline: found '2m', expected a deadline from 100ms to 50s"),
        ("watched: true", "observations.watched"),
    ],
)
def test_wrong_settings_are_errors_at_their_line(tmp_path: Path, text: str, message: str) -> None:
    from alchemesh_platform.base.problems import ProblemsFound

    with pytest.raises(ProblemsFound) as found:
        written(tmp_path, FILE.replace("watch: true, every: 10s, measure_every: 1h, deadline: 2s", text))
    assert "platform.yaml:7:" in str(found.value)
    assert message in str(found.value)
