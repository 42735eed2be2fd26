"""An Airflow of this machine: its own Python environment, four supervised processes, SQLite, and generated passwords.

It starts with the first DAG of an environment, listens on the loopback interface only, and ends with the last DAG.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.machine.environments import ensure_environment, python_of
from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.ports import free_port, is_free
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.machine.servers.supervisor import config_folder, socket_path
from alchemesh_platform.systems.airflow.client import AirflowFailed, Client
from alchemesh_platform.systems.airflow.delivery import DAG_FILE
from alchemesh_platform.systems.airflow.keeper import DOCUMENT
from alchemesh_platform.systems.airflow.rendering import secrets_backend

HOST = "127.0.0.1"
USER = "alchemesh"
ROLE = "user"  # edits, starts and ends DAGs; it sees no connection and no variable
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
READY_SECONDS = 300.0
PROGRAMS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),  # logs are files that the API server reads
    "dag-processor": ("dag-processor",),
}
KEEPER = "keeper"
_MODULE = "alchemesh_platform.systems.airflow.keeper"
_HEALTHY = "healthy"

Report = Callable[[str], None]


class ServerFailed(Failure):
    """Raised when the local Airflow does not start. It holds the end of its log."""


@dataclass(frozen=True, slots=True)
class LocalAirflow:
    """The Airflow of one environment on this machine.

    Args:
        folder: Its folder. Only the user can read it.
    """

    folder: Path

    @property
    def dags(self) -> Path:
        """The folder of its DAG bundle, with a folder for each DAG."""
        return self.folder / "dags"

    @property
    def keeper_socket(self) -> Path:
        """The socket of the process with the secrets, where the supervisor's socket is too."""
        beside = socket_path(self.folder / "secrets")
        return beside.with_name(f"{beside.stem}-keeper.sock")

    @property
    def address(self) -> str | None:
        """Its address; None before its first start."""
        port = self._known().get("port")
        return f"http://{HOST}:{port}" if port else None

    def client(self) -> Client:
        """A client of the running server.

        Raises:
            AirflowFailed: when it does not run.
        """
        address = self.address
        if address is None:
            raise AirflowFailed(f"no Airflow was started in {self.folder}", hint=remedy("{} starts one", command("up")))
        try:
            return Client(address, username=USER, password=str(self._known()["password"]))
        except AirflowFailed as error:
            if (reason := self.why_down()) is None:
                raise
            raise AirflowFailed(reason, hint=remedy("{} starts it again", command("resume"))) from error

    def why_down(self) -> str | None:
        """The reason why it has to be started, in a sentence; None if all its processes run."""
        if self.address is None:
            return "no Airflow runs on this machine"
        found = processes.statuses(self.folder / "run", PROGRAMS)
        found[KEEPER] = processes.status(self.folder / "secrets", KEEPER)
        for name, status in found.items():
            if not status.alive:
                return f"the {name} of Airflow is not running: {status.description or status.state.lower()}"
        return None

    def ensure(self, secrets: Iterable[str], environ: Mapping[str, str], report: Report = lambda _line: None) -> str:
        """Start what does not run, and wait until it answers. Returns its address; see :meth:`serving`."""
        with self.serving(secrets, environ, report):
            return str(self.address)

    @contextmanager
    def serving(
        self, secrets: Iterable[str], environ: Mapping[str, str], report: Report = lambda _line: None
    ) -> Iterator[None]:
        """Start what does not run, and wait until it answers. No removal of a DAG ends it within the block.

        Args:
            secrets: Names of the secrets of the product whose DAG is deployed. Those of the other DAGs are known.
            environ: The environment variables with the values.
            report: Receives a line of progress before each slow step.

        Raises:
            EnvironmentFailed: when it cannot be installed.
            ServerFailed: when it does not start.
            SupervisorFailed, StorageFailed: when the machine refuses.
        """
        with self.locked():
            self._start(secrets, environ, report)
            yield

    def _start(self, secrets: Iterable[str], environ: Mapping[str, str], report: Report) -> None:
        environment = ensure_airflow(report)
        self._keep_secrets(secrets, environ)
        if self.why_down() is None and self._is_current(environment):
            return
        self._prepare(environment, report)
        report("starting Airflow; this takes half a minute")
        for program in self._programs(environment):
            processes.ensure_running(self.folder / "run", program)
        self._wait()

    def end_if_unused(self) -> bool:
        """End it and remove its files, if it has no DAG. Returns whether it did."""
        if not self.folder.is_dir():
            return False
        with self.locked():
            if self.dags.is_dir() and any(self.dags.glob(f"*/{DAG_FILE}")):
                return False
            self.stop()
            with storage_errors(f"remove {self.folder}"):
                for each in self.folder.iterdir():
                    if each.name != _LOCK:
                        shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)
        return True

    def stop(self) -> None:
        """End its processes; its files stay."""
        import psutil

        workers = self._workers()
        for name in PROGRAMS:
            processes.stop(self.folder / "run", name)
        for worker in workers:
            with suppress(psutil.Error):
                worker.kill()  # one of a killed scheduler: it waits for tasks without an end
        processes.stop(self.folder / "secrets", KEEPER)
        self.keeper_socket.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock its folder, so that two deployments start it once."""
        from filelock import FileLock

        with storage_errors(f"lock {self.folder}"):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.folder / _LOCK, mode=0o600)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _known(self) -> dict[str, str | int]:
        try:
            found: dict[str, str | int] = json.loads((self.folder / "server.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found

    def _prepare(self, environment: Path, report: Report) -> None:
        """Choose port and passwords once, write the configuration, and bring the database up to date."""
        import secrets

        known = self._known()
        port = int(known.get("port") or 0)
        running = processes.status(self.folder / "run", "api-server").alive
        if not port or (not running and not is_free(HOST, port)):
            port = free_port(HOST)
        keys = {name: known.get(name) or secrets.token_urlsafe(32) for name in ("password", "jwt", "session")}
        fernet = known.get("fernet") or _fernet_key()
        migrated = known.get("migrated")
        with storage_errors(f"write in {self.folder}"):
            for name in ("dags", "config", "logs"):
                (self.folder / name).mkdir(mode=0o700, exist_ok=True)
            document = {"port": port, **keys, "fernet": fernet, "migrated": migrated}
            write_private(self.folder / "server.json", json.dumps(document))
            write_private(self.folder / "passwords.json", json.dumps({USER: keys["password"]}))
        write_if_changed(self.folder / "airflow.cfg", self._configuration(document))
        write_if_changed(
            self.folder / "config" / "alchemesh_secrets.py", secrets_backend(str(self.dags), str(self.keeper_socket))
        )
        if migrated != environment.name:
            report("creating the database of Airflow")
            self._migrate(environment)
            with storage_errors(f"write in {self.folder}"):
                write_private(self.folder / "server.json", json.dumps({**document, "migrated": environment.name}))

    def _migrate(self, environment: Path) -> None:
        done = subprocess.run(
            [*_airflow(environment), "db", "migrate"],
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ServerFailed(
                f"the database of Airflow cannot be created: {lines[-1] if lines else 'no reason given'}"
            )
        # Readers and the writer do not wait for each other: https://www.sqlite.org/wal.html
        import sqlite3

        with sqlite3.connect(self.folder / "airflow.db") as database:
            database.execute("PRAGMA journal_mode=WAL")
        database.close()

    @property
    def variables(self) -> dict[str, str]:
        """The variables of its programs. The configuration is a private file."""
        return {"AIRFLOW_HOME": str(self.folder), "PYTHONPATH": str(self.folder / "config")}

    def _programs(self, environment: Path) -> Iterator[Program]:
        for name, arguments in PROGRAMS.items():
            yield Program(name, (*_airflow(environment), *arguments), self.variables)

    def _is_current(self, environment: Path) -> bool:
        return self._known().get("migrated") == environment.name and all(
            processes.is_current(self.folder / "run", program) for program in self._programs(environment)
        )

    def _keep_secrets(self, names: Iterable[str], environ: Mapping[str, str]) -> None:
        """Start the process with the secrets, with those that this process has and those that it has already."""
        wanted = {*names, *self._names()}
        held = self._held(wanted)
        secrets = {**held, **{name: environ[name] for name in wanted if environ.get(name)}}
        command = (sys.executable, "-m", _MODULE, str(self.keeper_socket), str(self.dags))
        processes.ensure_running(self.folder / "secrets", Program(KEEPER, command), secrets or None)

    def _names(self) -> set[str]:
        """The secrets that deployed DAGs name."""
        found: set[str] = set()
        for document in self.dags.glob(f"*/{DOCUMENT}"):
            try:
                found.update(json.loads(document.read_bytes())["secrets"])
            except (OSError, ValueError, KeyError):
                continue
        return found

    def _held(self, names: Iterable[str]) -> dict[str, str]:
        """The secrets that the running process holds in its memory."""
        import psutil

        pid = processes.status(self.folder / "secrets", KEEPER).pid
        try:
            environ = psutil.Process(pid).environ() if pid else {}
        except psutil.Error:
            return {}
        return {name: environ[name] for name in names if environ.get(name)}

    def _workers(self) -> list[Any]:
        """The processes that run tasks. They overwrite their variables and their command, but not their folder."""
        import psutil

        found, folder = [], str(config_folder(self.folder / "run").absolute())
        for process in psutil.process_iter(["name", "cwd", "cmdline"]):
            command = process.info["cmdline"] or [""]
            if process.info["cwd"] == folder and command[0].startswith("airflow worker"):
                found.append(process)
        return found

    def _wait(self) -> None:
        """Wait until the API answers and its parts say that they work."""
        deadline = time.monotonic() + READY_SECONDS
        problem = "no answer"
        while time.monotonic() < deadline:
            dead = [
                name
                for name, status in processes.statuses(self.folder / "run", PROGRAMS).items()
                if status.state == "FATAL"
            ]
            if dead:
                problem = f"its {dead[0]} ended: {processes.log_tail(self.folder / 'run', dead[0])}"
                break
            missing = self._missing()
            if not missing:
                return
            problem = f"not ready: {', '.join(missing)}"
            time.sleep(0.2)
        raise ServerFailed(
            f"Airflow does not start on this machine: {problem}",
            hint=f"see {processes.log_file(self.folder / 'run', 'api-server').parent}",
        )

    def _missing(self) -> list[str]:
        import httpx

        try:
            answer = httpx.get(f"{self.address}/api/v2/monitor/health", timeout=10)
            parts = answer.json() if answer.status_code == httpx.codes.OK else {}
        except (httpx.HTTPError, ValueError):
            return ["api-server"]
        wanted = ("metadatabase", "scheduler", "dag_processor")
        return [name for name in wanted if (parts.get(name) or {}).get("status") != _HEALTHY]

    def _configuration(self, known: Mapping[str, object]) -> str:
        """Airflow's configuration file: https://airflow.apache.org/docs/apache-airflow/stable/configurations-ref.html."""
        address = f"http://{HOST}:{known['port']}"
        bundle = {
            "name": "alchemesh",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(self.dags), "refresh_interval": 1},
        }
        sections: dict[str, dict[str, object]] = {
            "core": {
                "executor": "LocalExecutor",
                "parallelism": 4,
                "load_examples": False,
                "dags_folder": self.dags,
                "fernet_key": known["fernet"],
                "simple_auth_manager_users": f"{USER}:{ROLE}",
                "simple_auth_manager_passwords_file": self.folder / "passwords.json",
                "execution_api_server_url": f"{address}/execution/",
            },
            "database": {"sql_alchemy_conn": f"sqlite:///{self.folder / 'airflow.db'}"},
            "api": {
                "host": HOST,
                "port": known["port"],
                "base_url": address,
                "workers": 1,
                "secret_key": known["session"],
            },
            "api_auth": {"jwt_secret": known["jwt"]},
            # A new or changed file is read within seconds; the others once a minute, so that many cost little.
            "dag_processor": {
                "dag_bundle_config_list": json.dumps([bundle]),
                "refresh_interval": 1,
                "bundle_refresh_check_interval": 1,
                "min_file_process_interval": 60,
            },
            # The task of a killed scheduler is found after half a minute, not after five.
            "scheduler": {"task_instance_heartbeat_timeout": 30, "catchup_by_default": False},
            # On a busy machine an answer takes seconds, and a task without one fails.
            "workers": {
                "execution_api_timeout": 60,
                "execution_api_retries": 10,
                "secrets_backend": "alchemesh_secrets.Connections",
            },
            "secrets": {"backend": "alchemesh_secrets.Connections"},
            "logging": {"base_log_folder": self.folder / "logs"},
            "usage_data_collection": {"enabled": False},
        }
        return (
            "\n".join(
                line
                for title, values in sections.items()
                for line in (
                    f"[{title}]",
                    *(f"{name} = {str(value).replace('%', '%%')}" for name, value in values.items()),
                )
            )
            + "\n"
        )


_LOCK = ".server.lock"


def ensure_airflow(report: Report = lambda _line: None) -> Path:
    """The folder of Airflow's own Python environment, which is installed if it is missing. Raises EnvironmentFailed."""
    return ensure_environment("airflow", REQUIREMENTS, report, title="Airflow")


def _airflow(environment: Path) -> tuple[str, ...]:
    return (str(python_of(environment)), "-m", "airflow")


def _fernet_key() -> str:
    """A key of https://github.com/fernet/spec: 32 random bytes in URL-safe base64."""
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(os.urandom(32)).decode()
