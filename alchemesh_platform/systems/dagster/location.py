"""The code server of a product's location: one supervised process, which Dagster's webserver and daemon ask."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.base.secrets import mask
from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.ports import free_port, is_free, port_taken
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.systems.dagster.workspace import CodeServer

NAME = "code"  # of the process
START_SECONDS = 120.0
TRY_SECONDS = 300.0
TRIED = "--- the location cannot be loaded"  # as served/location.py prints it
LOCATION_FILE, CONNECTIONS_FILE, PORT_FILE = "location.json", "connections.json", "port.json"
SERVED = Path(__file__).with_name("served") / "location.py"
_VARIABLE, _CONNECTIONS_VARIABLE = "ALCHEMESH_LOCATION", "ALCHEMESH_CONNECTIONS"
_HEALTH = "/grpc.health.v1.Health/Check"  # https://grpc.io/docs/guides/health-checking
_SERVICE = b"\n\nDagsterApi"  # the request: field 1, the name of the service
_SERVING = b"\x08\x01"
_LOOK_SECONDS = 0.1
_FRAME = '  File "'


class NotLoadable(Failure):
    """Raised when Dagster cannot load a location. The message has the traceback."""


@dataclass(frozen=True, slots=True)
class CodeLocation:
    """The code location of a product on this machine.

    Args:
        name: Its name in Dagster.
        folder: Folder of its files and its process.
        dagster_home: Folder of the Dagster that runs its jobs.
        python: The Python of the code server, which has Dagster.
        host: Address that it listens on.
        document: What :mod:`alchemesh_platform.systems.dagster.served.location` reads.
        connections: The connections of the team's own definitions, as JSON; None for a plain entrypoint.
        version: Changes with the team's files.
    """

    name: str
    folder: Path
    dagster_home: Path
    python: str
    host: str
    document: Mapping[str, Any]
    connections: str | None = None
    version: str = ""

    @property
    def server(self) -> CodeServer:
        """Its address. The port is chosen once, so that Dagster finds it after a restart."""
        file = self.folder / PORT_FILE
        known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        if "port" not in known:
            with storage_errors(f"write in {self.folder}"):
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            known["port"] = free_port(self.host)
            write_if_changed(file, json.dumps(known) + "\n")
        return CodeServer(self.name, self.host, int(known["port"]))

    @property
    def program(self) -> Program:
        """The process. A change of the location restarts it, and the processes of no other location."""
        command = (self.python, "-m", "dagster", "api", "grpc", "-h", self.host, "-p", str(self.server.port))
        loaded = ("-f", str(SERVED), "-d", str(self.document["working_directory"]), "--location-name", self.name)
        instance = ("--inject-env-vars-from-instance", "--use-python-environment-entry-point")
        return Program(NAME, (*command, *loaded, *instance), {**self._variables(), "ALCHEMESH_VERSION": self._digest})

    def attempt(self, secrets: Mapping[str, str]) -> None:
        """Load the location once in a process of its own. Other processes do not change.

        Raises:
            NotLoadable: when it cannot be loaded, with its traceback.
        """
        trial, connections = self.folder / f"trial-{LOCATION_FILE}", self.folder / f"trial-{CONNECTIONS_FILE}"
        self._write(trial, connections)
        passed = {name: value for name in processes_inherit() if (value := os.environ.get(name))}
        tried = {} if self.connections is None else {_CONNECTIONS_VARIABLE: str(connections)}
        environment = {**passed, **self._variables(), _VARIABLE: str(trial), **tried, **secrets}
        try:
            done = subprocess.run(
                [self.python, str(SERVED)],
                cwd=self.document["working_directory"],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=TRY_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise NotLoadable(f"its definitions did not load within {TRY_SECONDS:.0f} s") from error
        except OSError as error:
            raise NotLoadable(f"cannot start {self.python}: {error.strerror}") from error
        finally:
            for file in (trial, connections):
                file.unlink(missing_ok=True)
        if done.returncode != 0:
            _, mark, found = done.stdout.partition(TRIED)
            text = mask(found if mark else done.stderr, secrets.values())
            raise NotLoadable(f"Dagster cannot load it: {_told(text, str(self.document['working_directory']))}")

    def ensure_running(self, secrets: Mapping[str, str], stop: threading.Event) -> bool:
        """Start the code server, or restart it if the location has changed, and wait until it answers.

        Returns:
            Whether it was started or restarted.

        Raises:
            NotLoadable: when it does not answer, with the end of its log.
            PortInUse: when another process uses its port.
        """
        before = processes.status(self.folder, NAME)
        if not before.alive:
            processes.end_remains(self.folder)
            if not is_free(self.host, self.server.port):
                raise port_taken(self.host, self.server.port, "a code server of Dagster", str(self.folder / PORT_FILE))
        self._write(self.folder / LOCATION_FILE, self._connections_file)
        after = processes.ensure_running(self.folder, self.program, secrets or None)
        self._wait(stop, secrets)
        return not before.alive or before.pid != after.pid

    def trouble(self) -> str | None:
        """The reason why the code server must be started again, in a sentence; None if it runs and answers."""
        if not processes.status(self.folder, NAME).alive:
            return "its code server is not running"
        if not processes.is_current(self.folder, self.program):
            return "its code server runs with another configuration"
        return None if answers(self.server) else "its code server does not answer"

    def remove(self) -> None:
        """End the code server and remove its files."""
        import shutil

        processes.stop(self.folder, NAME)
        with storage_errors(f"remove {self.folder}"):
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _digest(self) -> str:
        program = SERVED.read_text(encoding="utf-8")  # another version of the platform has another
        written = json.dumps([self.document, self.connections, self.version, program], sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    def _variables(self) -> dict[str, str]:
        found = {
            "DAGSTER_HOME": str(self.dagster_home),
            "PYTHONPATH": "",
            "PYTHONUNBUFFERED": "1",
            _VARIABLE: str(self.folder / LOCATION_FILE),
        }
        return found if self.connections is None else {**found, _CONNECTIONS_VARIABLE: str(self._connections_file)}

    @property
    def _connections_file(self) -> Path:
        return self.folder / CONNECTIONS_FILE

    def _write(self, file: Path, connections: Path) -> None:
        with storage_errors(f"write in {self.folder}"):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.connections is not None:
                write_private(connections, self.connections)
        write_if_changed(file, json.dumps(self.document, indent=1) + "\n")

    def _wait(self, stop: threading.Event, secrets: Mapping[str, str]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not stop.is_set() and not answers(self.server):
            hopeless = processes.status(self.folder, NAME).state in ("FATAL", "ABSENT", "UNSUPERVISED")
            if hopeless or time.monotonic() > deadline:
                log = mask(processes.log_tail(self.folder, NAME, lines=3), secrets.values())
                raise NotLoadable(
                    f"its code server does not start: {log}",
                    hint=f"see {processes.log_file(self.folder, NAME)}",
                )
            stop.wait(_LOOK_SECONDS)


def processes_inherit() -> tuple[str, ...]:
    """The variables of this process that a supervised process gets too."""
    return ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


def answers(server: CodeServer, seconds: float = 5.0) -> bool:
    """Whether a code server has loaded its location."""
    import grpc

    with grpc.insecure_channel(f"{server.host}:{server.port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            return bool(channel.unary_unary(_HEALTH)(_SERVICE, timeout=seconds) == _SERVING)
        except grpc.RpcError:
            return False


def _told(text: str, root: str) -> str:
    """The error of a traceback, with the last line of the team's own code."""
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    own = [at for at, line in enumerate(lines) if line.startswith(f"{_FRAME}{root}/")]
    frames = lines[own[0] :] if own else lines[-6:]
    return "\n".join(frames) if frames else "it gave no reason"
