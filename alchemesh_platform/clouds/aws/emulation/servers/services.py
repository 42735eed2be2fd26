"""Amazon's services on this machine: MiniStack, in a Python environment of its own, as a supervised server.

It starts when it is first needed, and keeps its port and its state. It checks signatures and policies, so that a role
without a right is refused as on AWS; the access key ``test`` may do everything.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.environments import EnvironmentFailed, ensure_environment, python_of
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.machine.servers.ports import free_port, is_free, port_taken
from alchemesh_platform.machine.servers.processes import Program, ensure_running, log_file, log_tail, status, stop

NAME = "ministack"
HOST = "127.0.0.1"
FOLDER = "aws"  # in an environment's folder
PLACE_FILE = "ministack.json"
ROOT_KEY = "test"  # MiniStack's own; its id and its secret
DEFAULT_REGION = "us-east-1"
DEFAULT_ACCOUNT = "000000000000"
READY_SECONDS = 120.0
_LOCK = Path(__file__).with_name("ministack.txt")
_PROGRAM = Path(__file__).with_name("durable.py")


class EmulatorFailed(Failure):
    """Raised when MiniStack cannot be installed or started."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an environment's services are. It is chosen once, since connections that outlive a run have the address."""

    port: int
    account: str
    region: str

    @property
    def url(self) -> str:
        """The address of all services."""
        return f"http://{HOST}:{self.port}"

    def variables(self) -> dict[str, str]:
        """Variables that lead Amazon's clients there."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "AWS_SESSION_TOKEN": "",  # in place of the user's own, which belongs to other credentials
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(slots=True)
class MiniStack:
    """The services of one emulated environment.

    Args:
        folder: The folder of its emulated cloud.
        report: Called with a line of progress before each slow step.
    """

    folder: Path
    report: Callable[[str], None] = lambda _line: None
    _up: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def environment(self) -> Path:
        """The installed Python environment.

        Raises:
            EmulatorFailed: when it cannot be installed.
        """
        return ensure_ministack(self.report)

    def place(self) -> Place:
        """Where the services are, even if they do not run."""
        return self._known() or self.placed(DEFAULT_ACCOUNT, DEFAULT_REGION)

    def placed(self, account: str, region: str) -> Place:
        """Where the services are. The account stays the one of the first run, whose resources have it in their names.

        Args:
            account: The account.
            region: The region of clients.
        """
        from filelock import FileLock

        known = self._known()
        if known is not None and known.region == region:
            return known
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self.folder / f"{PLACE_FILE}.lock"):  # two first commands would choose two ports
            known = self._known()
            port, owner = (known.port, known.account) if known is not None else (free_port(HOST), account)
            found = Place(port, owner, region)
            write_if_changed(self.folder / PLACE_FILE, json.dumps(asdict(found), indent=2) + "\n")
        return found

    def url(self) -> str:
        """Address of the services. Starts them if they do not run.

        Raises:
            EmulatorFailed: when they do not start, with their output.
            PortInUse: when another process uses the port.
        """
        with self._lock:
            if not self._up:
                self._start()
                self._up = True
        return self.place().url

    def resume(self) -> None:
        """Restart the services that an earlier run started, so that their data is available after a reboot."""
        if self._data.is_dir():
            self.url()

    def stop(self) -> None:
        """Stop the services; their state stays."""
        if self._data.is_dir():
            stop(self._run_folder, NAME)
        self._up = False

    @property
    def _run_folder(self) -> Path:
        return self.folder / "run"

    @property
    def _data(self) -> Path:
        return self.folder / "state"

    def _known(self) -> Place | None:
        file = self.folder / PLACE_FILE
        return Place(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None

    def _start(self) -> None:
        place = self.place()
        python = python_of(self.environment())
        for folder in (self._data, self.folder / "objects"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not status(self._run_folder, NAME).alive and not is_free(HOST, place.port):
            raise port_taken(HOST, place.port, "the emulator of AWS", str(self.folder / PLACE_FILE))
        # The folder tells the servers of several environments apart: a supervisor ends what runs with its own command.
        command = (str(python), "-P", str(_PROGRAM), str(self._data))
        ensure_running(self._run_folder, Program(NAME, command, self._variables(place)))
        self._wait(place)

    def _variables(self, place: Place) -> dict[str, str]:
        return {
            "GATEWAY_PORT": str(place.port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_ACCOUNT_ID": place.account,
            "STATE_DIR": str(self._data),
            "S3_DATA_DIR": str(self.folder / "objects"),
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "LAMBDA_EXECUTOR": "local",
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",  # it would listen on all interfaces
            "SFTP_ENABLED": "0",
            "PYTHONPATH": "",
        }

    def _wait(self, place: Place) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{place.url}/_ministack/health", timeout=10):  # noqa: S310 - our own server
                    return
            except urllib.error.HTTPError as error:
                error.close()
            except OSError:
                pass
            if status(self._run_folder, NAME).state in ("FATAL", "UNSUPERVISED"):
                break
            time.sleep(0.05)
        raise EmulatorFailed(
            f"the emulator of AWS does not answer on {place.url}: {log_tail(self._run_folder, NAME)}",
            hint=f"see {log_file(self._run_folder, NAME)}",
        )


def ensure_ministack(report: Callable[[str], None] = lambda _line: None) -> Path:
    """The installed Python environment of MiniStack.

    Raises:
        EmulatorFailed: when it cannot be installed.
    """
    try:
        return ensure_environment(NAME, _LOCK, report, title="the emulator of AWS")
    except EnvironmentFailed as error:
        raise EmulatorFailed(error.message, hint=error.hint) from error


def python_version() -> str:
    """The Python of functions there, as Lambda writes it: ``3.11``. The platform's own Python runs them."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
