"""Processes that outlive the command that started them, each under the supervisor of its run folder."""

from __future__ import annotations

import os
import shlex
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alchemesh_platform.machine.files import storage_errors, write_if_changed
from alchemesh_platform.machine.supervisor import (
    COMMAND,
    CONFIG_FILE,
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
    shut_down,
    start,
    supervisor,
    unfit,
)

LOG_BYTES = "5MB"
LOGS_KEPT = 2
_LOCK_FILE = ".supervisor.lock"

# http://supervisord.org/subprocess.html#process-states, and what there is to say when supervisord itself is gone.
ProcessState = Literal[
    "STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN", "ABSENT", "UNSUPERVISED"
]


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running.

    Args:
        name: Name, unique in the run folder.
        command: Program and arguments.
        environment: Variables it gets beside the few that the supervisor has. A change of any restarts it.
        ends: Whether it is to end by itself; it is started again only when it ends with an error.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ends: bool = False


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How a process is doing. ``ABSENT``: its supervisor does not know it; ``UNSUPERVISED``: there is no supervisor."""

    state: ProcessState
    pid: int | None = None
    description: str = ""

    @property
    def alive(self) -> bool:
        """Whether it runs, or is about to."""
        return self.state in ("RUNNING", "STARTING")


def ensure_running(run_directory: Path, program: Program, secrets: Mapping[str, str] | None = None) -> ProcessStatus:
    """Start a process, or restart it if it is to run differently now; what runs as wanted is left alone.

    A supervisor that was killed or lost in a reboot is started again, after its remaining processes are stopped.

    Args:
        run_directory: The run folder.
        program: The process.
        secrets: Variables that all processes of the run folder get from their supervisor's memory; no file has them.
            A supervisor that runs with other secrets is restarted, so a run folder with secrets holds one process.

    Raises:
        SupervisorFailed: when the supervisor does not come up.
        StorageFailed: when the run folder cannot be written.
    """
    with _locked(run_directory):
        if secrets and is_up(run_directory) and not holds(run_directory, secrets):
            shut_down(run_directory)
        write_if_changed(_program_file(run_directory, program.name), _program_section(program))
        # One whose folder was removed may still answer, where its socket is elsewhere, and could read nothing any more.
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
    """How a process is doing. Changes nothing."""
    try:
        with supervisor(run_directory) as rpc:
            found = rpc.getProcessInfo(name)
    except SupervisorDown:
        return ProcessStatus("UNSUPERVISED", description="its supervisor is not running")
    except xmlrpc.client.Fault:
        return ProcessStatus("ABSENT", description="its supervisor does not know it")
    return ProcessStatus(found["statename"], found["pid"] or None, found["description"])


def restart(run_directory: Path, name: str) -> ProcessStatus:
    """Stop a process and start it again.

    Raises:
        SupervisorFailed: when it is not there, or its supervisor is not.
    """
    with _locked(run_directory), _rpc(run_directory) as rpc:
        with _unless(rpc_fault("NOT_RUNNING")):
            rpc.stopProcess(name)
        rpc.startProcess(name, False)
    return status(run_directory, name)


def halt(run_directory: Path, name: str) -> None:
    """Stop a process until it is wanted again. Stopping what does not run does nothing.

    Raises:
        SupervisorFailed: when the supervisor does not answer.
    """
    faults = rpc_fault("NOT_RUNNING"), rpc_fault("BAD_NAME")
    with suppress(SupervisorDown), supervisor(run_directory) as rpc, _unless(*faults):
        rpc.stopProcess(name)


def stop(run_directory: Path, name: str) -> None:
    """Stop a process and forget it; the supervisor ends with its last one. Stopping what is not there does nothing.

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


def end_remains(run_directory: Path) -> None:
    """End what a killed supervisor left running. Where a supervisor runs, or there is no folder, that is nothing."""
    if config_folder(run_directory).is_dir():
        with _locked(run_directory):
            if not is_up(run_directory):
                end_remains_of(config_folder(run_directory).absolute())


def is_current(run_directory: Path, program: Program) -> bool:
    """Whether a process was started as it is to be."""
    try:
        return _program_file(run_directory, program.name).read_text(encoding="utf-8") == _program_section(program)
    except OSError:
        return False


def log_file(run_directory: Path, name: str) -> Path:
    """The output of a process."""
    return config_folder(run_directory).absolute() / f"{name}.log"


def log_tail(run_directory: Path, name: str, *, since: int = 0, lines: int = 10) -> str:
    """The end of what a process printed.

    Args:
        since: Position in the file that the search starts at: its size before a start leaves out older lines.
    """
    try:
        with log_file(run_directory, name).open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(since if since <= end else 0)  # shorter than before: it was rotated
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
    """One at a time: two that find no supervisor would start two."""
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
    rpc.stopProcessGroup(name)  # waits for the end
    rpc.removeProcessGroup(name)


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
