"""One run at a time on a stack, and what to do with what a killed run left locked.

The operating system releases our own lock when its holder ends. The engine's lock on a state folder is a file, which
remains when the engine is killed.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.files.home import ANOTHER_FOLDER
from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.folder import repair_state
from alchemesh_platform.identity.machine import user_name

ENGINE_ENDS_SECONDS = 90.0  # how long an engine may take to end after its caller: long on a busy machine
POLL_SECONDS = 0.1
CLOCK_SLACK_SECONDS = 2.0  # the system counts a process's age in ticks since boot, and a lock has a clock time

# Source: pulumi pkg/backend/diy/lock.go (checkForLock)
_LOCK_MESSAGE = re.compile(r"created by (?P<user>[^@\s]*)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
_LOCKED = "the stack is currently locked by"
# Source: pulumi pkg/backend/httpstate (ConflictingUpdateError); the service sends the first part.
_IN_PROGRESS = "Another update is currently in progress"

Report = Callable[[str], None]


class HomeNotWritable(Failure):
    """Raised when the home folder of the stack's lock is not writable."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a lock."""

    user: str
    host: str
    pid: int
    since: str
    command: str = ""

    @property
    def is_here(self) -> bool:
        """Whether the holder runs, or ran, on this machine."""
        return self.host == socket.gethostname()

    def __str__(self) -> str:
        what = f"`{self.command}`, " if self.command else ""
        return f"{self.user}@{self.host} ({what}pid {self.pid}, since {self.since})"


class StackLocked(Failure):
    """Raised when another process works on the stack; ``holder`` names the process, if known."""

    exit_code = ExitCode.LOCKED

    def __init__(self, stack: Stack, holder: Holder | None, *, hint: str) -> None:
        self.holder = holder
        super().__init__(f"{stack} is locked by {holder or 'another run'}", hint=hint)


class StackLock:
    """Locks a stack for one run, and cleans up the remains of earlier runs.

    Args:
        stack: The stack to lock.
        report: Receives a line for each finding and repair.
        wait_seconds: How long to wait for another holder to release the lock.

    Raises:
        StackLocked: on entry, when another process holds the lock.
        StateDamaged: on entry, when neither the state nor its backup can be read.
    """

    def __init__(self, stack: Stack, *, report: Report | None = None, wait_seconds: float = 0.0) -> None:
        self.stack = stack
        self.wait_seconds = wait_seconds
        self._report = report or (lambda _line: None)
        self._lock = FileLock(stack.lock_file)

    def __enter__(self) -> StackLock:
        self._take()
        try:
            _settle_engine_locks(self.stack, self._report)
            folder = self.stack.state_folder
            if folder is not None and (repaired := repair_state(folder)):
                self._report(repaired)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._release()

    @property
    def _holder_file(self) -> Path:
        return self.stack.lock_file.with_suffix(".json")

    def _take(self) -> None:
        try:
            self.stack.lock_file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            holder = _read_holder(self._holder_file)
            if self.wait_seconds > 0:
                self._report(f"{self.stack} is locked by {holder or 'another run'}; waiting")
            try:
                self._lock.acquire(timeout=self.wait_seconds, poll_interval=POLL_SECONDS)
            except Timeout as error:
                holder = _read_holder(self._holder_file)
                raise StackLocked(self.stack, holder, hint="wait until that run has ended, or stop it") from error
        except OSError as error:
            raise _not_writable(self.stack.lock_file, error) from error
        if (killed := _read_holder(self._holder_file)) is not None:
            self._report(f"an earlier run was killed: {killed}; this run resumes its unfinished steps")
        me = Holder(user_name(), socket.gethostname(), os.getpid(), _now(), _command())
        try:
            write_private(self._holder_file, json.dumps(asdict(me)))
        except OSError as error:
            self._lock.release()
            raise _not_writable(self._holder_file, error) from error

    def _release(self) -> None:
        self._holder_file.unlink(missing_ok=True)
        self._lock.release()


def release(stack: Stack) -> list[str]:
    """Remove every lock of the stack, including the lock of a machine that will not return.

    Returns:
        A sentence for each removed lock.

    Raises:
        StackLocked: when a run on this machine still holds the lock.
    """
    notes: list[str] = []
    lock = StackLock(stack, report=notes.append)
    lock._take()
    try:
        for file, holder in _engine_locks(stack):
            if holder is not None and holder.is_here and is_engine(holder.pid):
                raise StackLocked(stack, holder, hint=f"it still runs; end it first: kill -INT {holder.pid}")
            _remove(file)
            notes.append(f"the lock of {holder or 'an unknown run'} was removed")
        if stack.state_folder is None:
            notes.append(_cancel(stack))
    finally:
        lock._release()
    return notes or [f"{stack} was not locked"]


def locked_by_engine(stack: Stack, stderr: str) -> StackLocked | None:
    """Convert the engine's error about a lock; None when the engine reports something else."""
    if _LOCKED not in stderr and _IN_PROGRESS not in stderr:
        return None
    match = _LOCK_MESSAGE.search(stderr)
    holder = Holder(match["user"], match["host"], int(match["pid"]), match["since"]) if match else None
    return StackLocked(
        stack,
        holder,
        hint=remedy("wait until that run has ended; if it was killed, {} removes its lock", command("unlock")),
    )


def remove_locks_of(stack: Stack, pid: int) -> None:
    """Remove the lock that our engine left when it ended."""
    for file, holder in _engine_locks(stack):
        if holder is not None and holder.is_here and holder.pid == pid:
            _remove(file)


def is_engine(pid: int) -> bool:
    """Whether a process with this id runs on this machine and may be an engine: the system reuses process ids."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        return "pulumi" in Path(f"/proc/{pid}/comm").read_text("utf-8")
    except OSError:
        return sys.platform != "linux"  # other systems have no such file; the process id must be enough


def runs_here(holder: Holder) -> bool:
    """Whether the holder of a lock runs on this machine: a process with its id that is older than the lock."""
    import psutil

    try:
        return (
            holder.is_here
            and psutil.Process(holder.pid).create_time()
            <= datetime.fromisoformat(holder.since).timestamp() + CLOCK_SLACK_SECONDS
        )
    except (psutil.NoSuchProcess, ValueError):
        return False
    except psutil.AccessDenied:
        return True


def _settle_engine_locks(stack: Stack, report: Report) -> None:
    """Remove the locks of dead engines, and wait for engines that are about to end.

    Raises:
        StackLocked: when an engine is alive, or is on another machine, where it cannot be checked.
    """
    deadline = time.monotonic() + ENGINE_ENDS_SECONDS
    for file, holder in _engine_locks(stack):
        if holder is None:
            continue  # the engine has just released it, or will report what is wrong with it
        if not holder.is_here:
            raise StackLocked(
                stack,
                holder,
                hint=remedy(
                    "wait until that run has ended; if that machine was lost, {} removes its lock", command("unlock")
                ),
            )
        waiting = False
        while file.exists() and is_engine(holder.pid):
            if not waiting:
                report(f"{stack} is locked by an engine of {holder}; waiting for its end")
                waiting = True
            if time.monotonic() > deadline:
                raise StackLocked(stack, holder, hint=f"stop it (kill -INT {holder.pid}), or wait until it has ended")
            time.sleep(POLL_SECONDS)
        if file.exists():
            _remove(file)
            report(f"the engine of an earlier run was killed: {holder}; its lock was removed")


def _engine_locks(stack: Stack) -> Iterator[tuple[Path, Holder | None]]:
    folder = stack.state_folder
    if folder is None:
        return
    for file in sorted(folder.locks.glob("*.json")):
        holder = None
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(file.read_bytes())
            holder = Holder(content["username"], content["hostname"], int(content["pid"]), content["timestamp"])
        yield file, holder


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.with_name(f"{file.name}.attrs").unlink(missing_ok=True)  # the file store writes one for each file


def _cancel(stack: Stack) -> str:
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.stack import StackFailed, run_engine, why_failed

    engine = find_engine(allow_install=False)
    stack.prepare(engine)
    done = run_engine(engine, stack, ["cancel", "--yes", f"--stack={stack.name}", "--non-interactive"])
    if done.returncode != 0:
        raise StackFailed(f"the engine cannot unlock {stack}: {why_failed(done)}")
    return f"the engine removed its locks of {stack}"


def _not_writable(file: Path, error: OSError) -> HomeNotWritable:
    hint = ANOTHER_FOLDER
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        hint = "free some space on the disk, then run again"
    return HomeNotWritable(f"cannot write the lock {file}: {error.strerror or error}", hint=hint)


def _read_holder(file: Path) -> Holder | None:
    try:
        return Holder(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
