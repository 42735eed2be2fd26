"""One supervisord for each run folder.

It starts on first use, answers on a Unix socket, and ends with its last process.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.files import storage_errors, write_if_changed

# unix(7): sun_path holds 108 bytes with the closing NUL, macOS 104; supervisord first binds "<path>.<pid>".
SOCKET_PATH_MAX = 104 - 1 - len(".4194304")
SHORT_FOLDER = Path("/tmp")  # noqa: S108 - what is put there is in a folder of the user's own
START_SECONDS = 60.0
CALL_SECONDS = 30.0  # stopping a process takes STOP_SECONDS, and longer on a busy machine
STOP_SECONDS = 10
CONFIG_FOLDER = "supervisor"
CONFIG_FILE = "supervisord.conf"
COMMAND = "command = "  # the start of the line with a program's command
PROGRAMS = "programs"
SECRETS_FILE = "secrets.json"  # the names of the variables that hold secrets, never their values
FOLDERS_FILE = "folders.json"  # folders outside the run folder that a reboot may remove

# A daemon outlives the command that started it, so it receives none of that command's secrets.
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH")


class SupervisorFailed(Failure):
    """Raised when supervisord does not start or does not answer."""


class SupervisorDown(Exception):
    """Raised when no supervisord listens on the socket."""


def config_folder(run_directory: Path) -> Path:
    """The folder in which the supervisor of a run folder stores its configuration, socket and logs."""
    return run_directory / CONFIG_FOLDER


def socket_path(run_directory: Path) -> Path:
    """The supervisor's socket: in the run folder, or under /tmp if that path would be too long."""
    beside = config_folder(run_directory).absolute() / "supervisor.sock"
    if len(os.fsencode(beside)) <= SOCKET_PATH_MAX:
        return beside
    digest = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
    # Not the folder in TMPDIR, since it differs between shells, and every shell must find the socket.
    return SHORT_FOLDER / f"alchemesh-{os.getuid()}" / f"{digest}.sock"


@contextmanager
def supervisor(run_directory: Path) -> Iterator[Any]:
    """The XML-RPC interface of the running supervisor, http://supervisord.org/api.html.

    Raises:
        SupervisorDown: when no supervisor runs.
        SupervisorFailed: when it does not answer.
    """
    transport = _UnixTransport(socket_path(run_directory))
    try:
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
            yield server.supervisor
    except (FileNotFoundError, ConnectionError) as error:
        raise SupervisorDown(str(run_directory)) from error
    except (TimeoutError, OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
        raise SupervisorFailed(
            f"the supervisor of {run_directory} does not answer: {error}",
            hint=f"see {config_folder(run_directory) / 'supervisord.log'}",
        ) from error


def is_up(run_directory: Path) -> bool:
    """Whether the supervisor runs and answers."""
    try:
        with supervisor(run_directory) as rpc:
            return bool(rpc.getState()["statename"] == "RUNNING")
    except (SupervisorDown, SupervisorFailed):
        return False


def start(run_directory: Path, secrets: Mapping[str, str] | None = None) -> None:
    """Start the supervisor, in a session of its own and without open files of this process.

    Args:
        run_directory: The run folder.
        secrets: Variables for its processes, in addition to the few inherited ones. They stay in memory.

    Raises:
        SupervisorFailed: when it does not start, with its message.
        StorageFailed: when the run folder is not writable.
    """
    folder = config_folder(run_directory).absolute()
    address = socket_path(run_directory)
    unfit(folder, "the run folder")
    with storage_errors(f"write in {folder}"):
        (folder / PROGRAMS).mkdir(parents=True, exist_ok=True)
        private_folder(address.parent)
        for kept in map(Path, _listed(folder / FOLDERS_FILE)):
            private_folder(kept.parent)
            private_folder(kept)
        address.unlink(missing_ok=True)  # of a killed supervisor; supervisord would detect it after a wait
    config = folder / CONFIG_FILE
    write_if_changed(config, _configuration(address))
    write_if_changed(folder / SECRETS_FILE, json.dumps(sorted(secrets or {})) + "\n")
    end_remains_of(folder)
    log = folder / "start.log"
    with storage_errors(f"write {log}"), log.open("wb") as stderr:
        # Write its output to a file. The daemon would hold a pipe open, and block every process that waits for its end.
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            env={**{name: os.environ[name] for name in _INHERITED if name in os.environ}, **(secrets or {})},
            cwd=folder,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    try:
        status: int | None = process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        status = None
    while status == 0 and time.monotonic() < deadline:
        if is_up(run_directory):
            return
        time.sleep(0.02)
    reason = log.read_text(errors="replace").strip().splitlines()
    raise SupervisorFailed(
        f"the supervisor of {run_directory} did not start{f': {reason[-1]}' if reason else ''}",
        hint=f"see {log} and {folder / 'supervisord.log'}",
    )


def holds(run_directory: Path, secrets: Mapping[str, str]) -> bool:
    """Whether the running supervisor was started with these secrets."""
    environment = variables_of(run_directory)
    return all(environment.get(name) == value for name, value in secrets.items())


def variables_of(run_directory: Path) -> dict[str, str]:
    """The variables that the running supervisor was started with; none without a supervisor.

    They are in its memory only. A command that starts it again hands on those that it does not have itself.
    """
    import psutil

    try:
        with supervisor(run_directory) as rpc:
            return dict(psutil.Process(rpc.getPID()).environ())
    except (SupervisorDown, psutil.Error):
        return {}


def secret_names(run_directory: Path) -> tuple[str, ...]:
    """The names of the secrets that the supervisor was last started with."""
    return tuple(_listed(config_folder(run_directory) / SECRETS_FILE))


def keep_folder(run_directory: Path, folder: Path) -> None:
    """Make a private folder of this user, and make it again whenever the supervisor of the run folder starts.

    Raises:
        SupervisorFailed: when another user created the folder.
        StorageFailed: when it cannot be created.
    """
    file = config_folder(run_directory) / FOLDERS_FILE
    kept = _listed(file)
    with storage_errors(f"make {folder}"):
        private_folder(folder.parent)
        private_folder(folder)
        if str(folder) not in kept:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_if_changed(file, json.dumps([*kept, str(folder)]) + "\n")


def _listed(file: Path) -> list[str]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def shut_down(run_directory: Path) -> None:
    """End the supervisor with all its processes, and remove its configuration and logs."""
    import psutil

    with suppress(SupervisorDown, psutil.NoSuchProcess), supervisor(run_directory) as rpc:
        daemon = psutil.Process(rpc.getPID())
        processes = daemon.children(recursive=True)
        # Its own shutdown checks its processes once a second. Kill it at once, so that it restarts none of them.
        daemon.kill()
        _wait_for_end([daemon])
        _end(processes)
    socket_path(run_directory).unlink(missing_ok=True)
    shutil.rmtree(config_folder(run_directory), ignore_errors=True)


def end_orphans(*commands: tuple[str, ...]) -> None:
    """End processes of this user that run one of these commands. The end of the command line identifies them.

    A killed supervisor leaves its processes running. They use the ports that the new processes need.
    """
    _end(_running(*commands))


def end_remains_of(folder: Path) -> None:
    """End the processes of an earlier supervisor of this folder, and that supervisor if its folder was removed."""
    import psutil

    for lost in _running(("-c", str(folder / CONFIG_FILE))):
        try:
            children = lost.children(recursive=True)
            lost.kill()
        except psutil.NoSuchProcess:
            continue  # the process was about to end
        _wait_for_end([lost])
        _end(children)
    end_orphans(*(command_of(path) for path in (folder / PROGRAMS).glob("*.conf")))


def command_of(program_file: Path) -> tuple[str, ...]:
    """The command in a program's configuration; empty if there is none."""
    try:
        lines = program_file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    return tuple(shlex.split(next((line.removeprefix(COMMAND) for line in lines if line.startswith(COMMAND)), "")))


def _running(*commands: tuple[str, ...]) -> list[Any]:
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline", "uids"]):
        arguments, user = process.info["cmdline"], process.info["uids"]
        ours = arguments and user and user.real == os.getuid()
        if ours and any(tuple(arguments[-len(command) :]) == command for command in commands if command):
            found.append(process)
    return found


def _end(processes: list[Any]) -> None:
    """Ask processes to end, and kill those that do not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            if _runs(process):
                with suppress(ProcessLookupError):
                    os.kill(process.pid, number)
        if _wait_for_end(processes):
            return


def _wait_for_end(processes: list[Any]) -> bool:
    """Wait until processes have ended. A zombie counts as ended, since its parent may reap it later."""
    deadline = time.monotonic() + STOP_SECONDS
    while any(map(_runs, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _runs(process: Any) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def unfit(text: object, what: str) -> None:
    """Reject a text that supervisord's configuration cannot hold.

    Raises:
        SupervisorFailed: with the invalid character.
    """
    # Its parser cuts values at " ;" and " #", expands "%" even inside paths, and has no syntax for a line break.
    for sign in (" ;", " #", "%", "\n", "\r", '"', "\\"):
        if sign in str(text):
            raise SupervisorFailed(
                f"{what} cannot be given to the process supervisor: {str(text)!r} holds {sign!r}",
                hint="use another path",
            )


def _configuration(address: Path) -> str:
    unfit(address, "the socket")
    lines = [
        "[unix_http_server]",
        f"file = {address}",
        "chmod = 0700",
        "",
        "[supervisord]",
        "logfile = %(here)s/supervisord.log",
        "logfile_maxbytes = 1MB",
        "logfile_backups = 1",
        "pidfile = %(here)s/supervisord.pid",
        "directory = %(here)s",
        "umask = 077",
        "nocleanup = true",
        *(["user = root"] if os.geteuid() == 0 else []),  # the default; supervisord warns without it
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        "",
        "[include]",
        f"files = {PROGRAMS}/*.conf",
    ]
    return "\n".join(lines) + "\n"


def private_folder(folder: Path) -> None:
    """Create a private folder of this user under the short folder, or next to it.

    Raises:
        SupervisorFailed: when another user created the folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.parent == SHORT_FOLDER and folder.stat().st_uid != os.getuid():
        raise SupervisorFailed(
            f"{folder} belongs to another user", hint="choose a run folder with a shorter path: it is not needed then"
        )


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        if self._connection[1] is None:
            self._connection = host, _UnixConnection(self._path)
        connection = self._connection[1]
        assert isinstance(connection, _UnixConnection)  # noqa: S101 - narrows the type of the base class
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CALL_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CALL_SECONDS)
        self.sock.connect(str(self._path))
