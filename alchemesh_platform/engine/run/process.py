"""One engine process, stopped with the engine's own signals.

When this process is killed, the engine continues, but its connections to the program and to the providers in this
process break. The engine treats their pending operations as failed, waits for other providers to finish, records the
results, unlocks the state and ends. We tried to kill the engine at the same moment (PR_SET_PDEATHSIG) and rejected it:
a cloud provider would finish its pending creation without a record, and on a busy machine the engine sometimes
still notices the broken connections first. The log of the run names the creations in this process (``interrupted.py``).
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

TERMINATE_SECONDS = 5.0  # time for the engine to record its current steps when it must stop immediately


class EngineProcess:
    """A running engine process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ended = threading.Event()
        self._signals = 0
        self._watch = threading.Thread(target=self._wait, name="engine-end", daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def was_asked_to_stop(self) -> bool:
        """Whether ``stop`` was called while the engine ran."""
        return self._signals > 0

    @property
    def exit_code(self) -> int:
        """The exit code; the negated number of the signal that ended the engine."""
        return self._process.wait()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the engine, at most this long; returns whether it has ended."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """Stop the engine. The first call lets it finish and record its current steps; the second stops it at once."""
        if self._ended.is_set():
            return
        self._signals += 1
        # `_ended` is unset, so the operating system has not reused the process id yet.
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Ensure that the engine has ended: stop it immediately, and kill it if that takes too long."""
        if not self._ended.is_set():
            if not self.was_asked_to_stop:
                self.stop()
            self.stop()
            if not self.wait(TERMINATE_SECONDS):
                self._process.kill()
        self._watch.join()

    def _wait(self) -> None:
        self._process.wait()
        self._ended.set()


@contextmanager
def started(command: Sequence[str], folder: Path, environ: Mapping[str, str], stderr: Path) -> Iterator[EngineProcess]:
    """Run the engine in the background and end it when the block ends, also on an exception.

    Args:
        command: Engine and arguments.
        folder: Working folder of the engine.
        stderr: File for the engine's stderr. The event log contains the engine's stdout messages.
    """
    with stderr.open("wb") as file:
        process = EngineProcess(
            # A separate process group: the terminal sends Ctrl-C only to this process, which passes it on once.
            subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                process_group=0,
            )
        )
    try:
        yield process
    finally:
        process.end()
