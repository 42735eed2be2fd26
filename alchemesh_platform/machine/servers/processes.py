"""Processes that outlive the command that started them, each under the supervisor of its run folder."""

from __future__ import annotations

import os
import shlex
import time
import xmlrpc.client
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alchemesh_platform.base.secrets import SecretRef, resolve
from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.machine.servers.supervisor import (
    COMMAND,
    CONFIG_FILE,
    CONFIG_FOLDER,
    PROGRAMS,
    STOP_SECONDS,
    SupervisorDown,
    SupervisorFailed,
    command_of,
    config_folder,
    end_orphans,
    end_remains_of,
    holds,
    is_up,
    secret_names,
    shut_down,
    start,
    supervisor,
    unfit,
)

LOG_BYTES = "5MB"
LOGS_KEPT = 2
_KILL_SECONDS = 10  # time for the end of a killed process
_LOCK_FILE = ".supervisor.lock"

# http://supervisord.org/subprocess.html#process-states, and a state for a missing supervisord.
ProcessState = Literal[
    "STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN", "ABSENT", "UNSUPERVISED"
]


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running.

    Args:
        name: Name, unique in the run folder.
        command: Program and arguments.
        environment: Variables in addition to the few of the supervisor. A change of any variable restarts the process.
        ends: Whether the process ends by itself. Then it is restarted only after an error.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ends: bool = False


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """The status of a process. ``ABSENT``: its supervisor does not know it. ``UNSUPERVISED``: no supervisor runs."""

    state: ProcessState
    pid: int | None = None
    description: str = ""
    started: int | None = None  # in seconds since 1970

    @property
    def alive(self) -> bool:
        """Whether it runs or is starting."""
        return self.state in ("RUNNING", "STARTING")


def ensure_running(run_directory: Path, program: Program, secrets: Mapping[str, str] | None = None) -> ProcessStatus:
    """Start a process, or restart it if its program changed. A process that already runs this program is not changed.

    A supervisor that was killed or lost in a reboot is restarted, after its remaining processes are stopped.

    Args:
        run_directory: The run folder.
        program: The process.
        secrets: Variables that all processes of the run folder receive from their supervisor's memory, never from a
            file. A supervisor that runs with other secrets is restarted, so a run folder with secrets holds one
            process.

    Raises:
        SupervisorFailed: when the supervisor does not start.
        StorageFailed: when the run folder is not writable.
    """
    with _locked(run_directory):
        if secrets and is_up(run_directory) and not holds(run_directory, secrets):
            shut_down(run_directory)
        write_if_changed(_program_file(run_directory, program.name), _program_section(program))
        # A supervisor whose folder was removed may still answer, if its socket is elsewhere, but cannot read its
        # configuration.
        if not (config_folder(run_directory) / CONFIG_FILE).is_file() or not is_up(run_directory):
            start(run_directory, secrets)
        with _rpc(run_directory) as rpc:
            (_added, changed, _removed), *_ = rpc.reloadConfig()
            if program.name in changed:
                _remove_group(rpc, program.name)
            with _unless(rpc_fault("ALREADY_ADDED")):
                rpc.addProcessGroup(program.name)
            with _unless(rpc_fault("ALREADY_STARTED")):
                rpc.startProcess(program.name, False)
        return status(run_directory, program.name)


def status(run_directory: Path, name: str) -> ProcessStatus:
    """The status of a process. Changes nothing."""
    return statuses(run_directory, [name])[name]


def statuses(run_directory: Path, names: Iterable[str]) -> dict[str, ProcessStatus]:
    """The status of several processes of a run folder, with one question to its supervisor. Changes nothing."""
    try:
        with supervisor(run_directory) as rpc:
            found = {each["name"]: each for each in rpc.getAllProcessInfo()}
    except SupervisorDown:
        return {name: ProcessStatus("UNSUPERVISED", description="its supervisor is not running") for name in names}
    except xmlrpc.client.Fault:  # it is about to end
        found = {}
    return {name: _status(found.get(name)) for name in names}


def _status(found: Mapping[str, Any] | None) -> ProcessStatus:
    if found is None:
        return ProcessStatus("ABSENT", description="its supervisor does not know it")
    return ProcessStatus(found["statename"], found["pid"] or None, found["description"], found["start"] or None)


def restart(run_directory: Path, name: str) -> ProcessStatus:
    """Stop a process and start it again.

    Raises:
        SupervisorFailed: when the process or its supervisor does not run.
    """
    with _locked(run_directory), _rpc(run_directory) as rpc:
        _stop(rpc, name)
        rpc.startProcess(name, False)
    return status(run_directory, name)


def halt(run_directory: Path, name: str) -> None:
    """Stop a process until :func:`ensure_running` starts it again. Does nothing if it does not run.

    Raises:
        SupervisorFailed: when the supervisor does not answer.
    """
    with suppress(SupervisorDown), supervisor(run_directory) as rpc, _unless(rpc_fault("BAD_NAME")):
        _stop(rpc, name)


def stop(run_directory: Path, name: str) -> None:
    """Stop and remove a process. The supervisor ends with its last process. Does nothing if there is no such process.

    Raises:
        SupervisorFailed: when the supervisor does not answer.
    """
    if not config_folder(run_directory).is_dir():
        return
    with _locked(run_directory):
        path = _program_file(run_directory, name)
        command = command_of(path)
        with storage_errors(f"remove {name} from {run_directory}"):
            path.unlink(missing_ok=True)
        if not any((config_folder(run_directory) / PROGRAMS).glob("*.conf")):
            shut_down(run_directory)
        else:
            with suppress(SupervisorDown), supervisor(run_directory) as rpc:
                rpc.reloadConfig()
                with _unless(rpc_fault("BAD_NAME")):
                    _remove_group(rpc, name)
        if status(run_directory, name).state == "UNSUPERVISED":
            end_orphans(command)


def run_folders(root: Path, *, without: Collection[Path] = ()) -> Iterator[Path]:
    """The run folders below a folder that have processes, sorted.

    Args:
        without: Folders that are not searched, such as those of data.
    """
    left_out = {folder.absolute() for folder in without}
    for place, folders, _files in os.walk(root.absolute()):
        here = Path(place)
        if CONFIG_FOLDER in folders and any((config_folder(here) / PROGRAMS).glob("*.conf")):
            yield here
        folders[:] = sorted(each for each in folders if each != CONFIG_FOLDER and here / each not in left_out)


def programs_of(run_directory: Path) -> tuple[str, ...]:
    """The names of the processes of a run folder."""
    return tuple(sorted(path.stem for path in (config_folder(run_directory) / PROGRAMS).glob("*.conf")))


def resume(run_directory: Path, environ: Mapping[str, str]) -> bool:
    """Start the processes of a run folder again, after a reboot or a kill of their supervisor.

    Args:
        environ: Variables with the values of the secrets that the processes need.

    Returns:
        Whether it was started; false if its supervisor runs.

    Raises:
        SecretMissing: when a secret has no value.
        SupervisorFailed: when the supervisor does not start.
        StorageFailed: when the run folder is not writable.
    """
    with _locked(run_directory):
        if is_up(run_directory):
            return False
        secrets = {name: resolve(SecretRef(secret=name), environ) for name in secret_names(run_directory)}
        start(run_directory, secrets or None)
        return True


def end_remains(run_directory: Path) -> None:
    """End the processes that a killed supervisor left running.

    Does nothing if a supervisor runs or there is no folder.
    """
    if config_folder(run_directory).is_dir():
        with _locked(run_directory):
            if not is_up(run_directory):
                end_remains_of(config_folder(run_directory).absolute())


def is_current(run_directory: Path, program: Program) -> bool:
    """Whether a process was started with this program."""
    try:
        return _program_file(run_directory, program.name).read_text(encoding="utf-8") == _program_section(program)
    except OSError:
        return False


def log_file(run_directory: Path, name: str) -> Path:
    """The output of a process."""
    return config_folder(run_directory).absolute() / f"{name}.log"


def log_tail(run_directory: Path, name: str, *, since: int = 0, lines: int = 10) -> str:
    """The last lines of a process's output.

    Args:
        since: Position in the file at which to start. The size of the file before a start leaves out older lines.
    """
    try:
        with log_file(run_directory, name).open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(since if since <= end else 0)  # the file is shorter than before, so it was rotated
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def rpc_fault(name: str) -> int:
    """The code of a fault of supervisord's interface."""
    from supervisor.xmlrpc import Faults

    return int(getattr(Faults, name))


@contextmanager
def _unless(*codes: int) -> Iterator[None]:
    try:
        yield
    except xmlrpc.client.Fault as fault:
        if fault.faultCode not in codes:
            raise


@contextmanager
def _rpc(run_directory: Path) -> Iterator[Any]:
    try:
        with supervisor(run_directory) as rpc:
            yield rpc
    except SupervisorDown as error:
        raise SupervisorFailed(
            f"the supervisor of {run_directory} went away", hint="run the command again: it starts the supervisor again"
        ) from error
    except xmlrpc.client.Fault as fault:
        raise SupervisorFailed(
            f"the supervisor of {run_directory} refuses: {fault.faultString}",
            hint=f"see {config_folder(run_directory) / 'supervisord.log'}",
        ) from fault


@contextmanager
def _locked(run_directory: Path) -> Iterator[None]:
    """Lock a run folder, so that two commands that find no supervisor do not start two."""
    from filelock import FileLock

    with storage_errors(f"lock {run_directory}"):
        run_directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run_directory / _LOCK_FILE)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _remove_group(rpc: Any, name: str) -> None:
    _stop(rpc, name)
    rpc.removeProcessGroup(name)


def _stop(rpc: Any, name: str) -> None:
    """Stop a process, if it runs, and wait for its end.

    supervisord could wait itself, but looks at its processes once a second then. Each question makes it look at once.
    """
    with _unless(rpc_fault("NOT_RUNNING")):
        rpc.stopProcess(name, False)
    deadline = time.monotonic() + STOP_SECONDS + _KILL_SECONDS
    while rpc.getProcessInfo(name)["statename"] == "STOPPING":
        if time.monotonic() > deadline:
            raise SupervisorFailed(
                f"{name} did not end within {STOP_SECONDS + _KILL_SECONDS} seconds, although its supervisor killed it",
                hint="look for a file system or a device that does not answer, and run the command again",
            )
        time.sleep(0.02)


def _program_file(run_directory: Path, name: str) -> Path:
    return config_folder(run_directory) / PROGRAMS / f"{name}.conf"


def _program_section(program: Program) -> str:
    for part in (program.name, *program.command, *program.environment.values()):
        unfit(part, f"{program.name}'s command")
    environment = ",".join(f'{name}="{value}"' for name, value in sorted(program.environment.items()))
    lines = [
        f"[program:{program.name}]",
        f"{COMMAND}{shlex.join(program.command)}",
        f"environment = {environment}",
        "autostart = true",
        f"autorestart = {'unexpected' if program.ends else 'true'}",
        f"startsecs = {0 if program.ends else 1}",
        "startretries = 3",
        f"stopwaitsecs = {STOP_SECONDS}",
        "stopasgroup = true",
        "killasgroup = true",
        "redirect_stderr = true",
        f"stdout_logfile = %(here)s/../{program.name}.log",
        f"stdout_logfile_maxbytes = {LOG_BYTES}",
        f"stdout_logfile_backups = {LOGS_KEPT}",
    ]
    return "\n".join(lines) + "\n"
