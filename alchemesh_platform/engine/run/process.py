"""One process of the engine, stopped with its own signals.

When this process is killed, the engine is not: its connections to the program and to providers in this process break.
It treats their pending operations as failed, waits for other providers to finish, records the results, unlocks the
state and ends. Killing it in the same moment (PR_SET_PDEATHSIG) was tried and rejected: a cloud provider's
pending creation would then finish without a record, and on a busy machine the engine sometimes
still notices the broken connections first. The log of the run names the creations in this process (``interrupted.py``).
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

TERMINATE_SECONDS = 5.0  # for the engine to write down what it was doing when it is stopped immediately


class EngineProcess:
    """The engine, running."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ended = threading.Event()
        self._signals = 0
        self._watch = threading.Thread(target=self._wait, name="engine-end", daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def was_asked_to_stop(self) -> bool:
        """Whether ``stop`` was called while it ran."""
        return self._signals > 0

    @property
    def exit_code(self) -> int:
        """Its exit code; the negated number of the signal that ended it."""
        return self._process.wait()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so long; returns whether it has ended."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """Ask it to stop: the first time what has begun is finished and recorded, the second time it stops at once."""
        if self._ended.is_set():
            return
        self._signals += 1
        # The child has not been waited for while `_ended` is unset, so the number cannot be another process's.
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """See to it that it is gone: stopped at once, and killed when that takes too long."""
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
    """Run the engine in the background; it has ended when the block has, however the block ends.

    Args:
        command: Engine and arguments.
        folder: Its current folder.
        stderr: File for what it says on stderr; what it says on stdout is in its events.
    """
    with stderr.open("wb") as file:
        process = EngineProcess(
            # A process group of its own: the terminal's Ctrl-C goes to this process alone, which passes it on once.
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
