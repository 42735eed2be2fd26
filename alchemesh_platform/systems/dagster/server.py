"""A Dagster of this machine: one webserver and one daemon for an environment, under the platform's supervisor."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.machine.environments import python_of
from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.ports import free_port, is_free, port_taken
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.systems.dagster import workspace
from alchemesh_platform.systems.dagster.client import Dagster, DagsterFailed
from alchemesh_platform.systems.dagster.environment import ensure_dagster

HOST = "127.0.0.1"
WEBSERVER, DAEMON = "webserver", "daemon"
START_SECONDS = 120.0
STATE_FILE, CONFIG_FILE, WORKSPACE_FILE = "server.json", "dagster.yaml", "workspace.yaml"
_DAEMON_MODULE = Path(__file__).with_name("served") / "daemon.py"
_LOOK_SECONDS = 0.1
# https://docs.dagster.io/deployment/oss/oss-instance-configuration. One run at a time of each code location, also of
# jobs of the team: Dagster gives each run a tag with its location.
_CONFIG = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},  # a form about Dagster's community, in front of the first page
    "run_coordinator": {
        "module": "dagster.core.run_coordinator",
        "class": "QueuedRunCoordinator",
        "config": {
            "dequeue_interval_seconds": 1,
            "max_user_code_failure_retries": 10,
            "user_code_failure_retry_delay": 5,
        },
    },
    "concurrency": {
        "runs": {
            "max_concurrent_runs": 10,
            "tag_concurrency_limits": [
                {"key": ".dagster/repository", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
            ],
        }
    },
    "run_monitoring": {"enabled": True, "start_timeout_seconds": 300},
    "retention": {"schedule": {"purge_after_days": 30}, "sensor": {"purge_after_days": 7}},
}

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LocalDagster:
    """The Dagster of an environment on this machine.

    Args:
        home: Its folder, ``DAGSTER_HOME``: settings, database, logs of runs.
        python: Folder of the Python environment that has Dagster.
    """

    home: Path
    python: Path

    @property
    def workspace(self) -> Path:
        """Its workspace file."""
        return self.home / WORKSPACE_FILE

    @property
    def run_directory(self) -> Path:
        """The folder of its processes."""
        return self.home / "run"

    @property
    def client(self) -> Dagster:
        """A client of its webserver."""
        return Dagster(f"http://{HOST}:{port_of(self.home)}")

    def programs(self) -> tuple[Program, Program]:
        """The webserver and the daemon."""
        python, file = str(python_of(self.python)), str(self.workspace)
        environment = {"DAGSTER_HOME": str(self.home), "PYTHONPATH": ""}
        web = ("-m", "dagster_webserver", "-h", HOST, "-p", str(port_of(self.home)), "-w", file)
        run = (str(_DAEMON_MODULE), "run", "-w", file)
        return Program(WEBSERVER, (python, *web), environment), Program(DAEMON, (python, *run), environment)

    def ensure_running(self, stop: threading.Event) -> None:
        """Start the webserver and the daemon, if they do not run, and wait until the webserver answers.

        Raises:
            DagsterFailed: when it does not answer, with the end of its log.
            PortInUse: when another process uses its port.
        """
        port = port_of(self.home)
        if not processes.status(self.run_directory, WEBSERVER).alive:
            processes.end_remains(self.run_directory)
            if not is_free(HOST, port):
                raise port_taken(HOST, port, "Dagster's webserver", str(self.home / STATE_FILE))
        for program in self.programs():
            processes.ensure_running(self.run_directory, program)
        self._wait(stop)

    def trouble(self) -> str | None:
        """The reason why it must be started again, in a sentence; None if it runs."""
        for program in self.programs():
            if not processes.status(self.run_directory, program.name).alive:
                return f"Dagster's {program.name} is not running"
            if not processes.is_current(self.run_directory, program):
                return f"Dagster's {program.name} runs with another configuration"
        return None

    def stop(self) -> None:
        """End both processes. The history of runs stays."""
        for name in (DAEMON, WEBSERVER):
            processes.stop(self.run_directory, name)

    def _wait(self, stop: threading.Event) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not stop.is_set():
            try:
                self.client.version()
                return
            except DagsterFailed as error:
                dead = processes.status(self.run_directory, WEBSERVER).state in ("FATAL", "ABSENT", "UNSUPERVISED")
                if dead or time.monotonic() > deadline:
                    log = processes.log_tail(self.run_directory, WEBSERVER, lines=3)
                    raise DagsterFailed(
                        f"Dagster's webserver does not start: {log or error.message}",
                        hint=f"see {processes.log_file(self.run_directory, WEBSERVER)}",
                    ) from error
            stop.wait(_LOOK_SECONDS)


def local_dagster(home: Path, report: Report = lambda _line: None) -> LocalDagster:
    """The Dagster of a folder, with its settings written. Starts nothing.

    Args:
        home: Its folder.
        report: Called with a line of progress before the installation of Dagster.

    Raises:
        EnvironmentFailed: when Dagster cannot be installed.
        StorageFailed: when the folder cannot be written.
    """
    import yaml

    dagster = LocalDagster(home, ensure_dagster(report))
    with storage_errors(f"write in {home}"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_if_changed(home / CONFIG_FILE, yaml.safe_dump(_CONFIG, sort_keys=False))
    workspace.ensure(dagster.workspace)
    return dagster


def port_of(home: Path) -> int:
    """The port of the webserver: chosen once, since bookmarks and connections that outlive a run hold it."""
    from filelock import FileLock

    file = home / STATE_FILE
    with FileLock(home / ".server.lock"):
        known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        if "port" not in known:
            known["port"] = free_port(HOST)
            write_if_changed(file, json.dumps(known) + "\n")
    return int(known["port"])
