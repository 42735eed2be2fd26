"""A server of this package as a process: start, wait, stop, kill, and restart with the same data."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, ClassVar

from parts.java import PartFailed

_SAID = 3000  # characters of the log, for an error
_POLL_SECONDS = 0.1


@dataclass(slots=True)
class Server(ABC):
    """A server in a folder. Killed or stopped, it starts again on the same port with the same data.

    Args:
        folder: Its configuration, log and data.
        parts: The cached folder of its programs.
    """

    name: ClassVar[str]
    start_seconds: ClassVar[float]
    stop_seconds: ClassVar[float]

    folder: Path
    parts: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def log(self) -> Path:
        """The file of its output."""
        return self.folder / "server.log"

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it answers.

        Raises:
            PartFailed: when it does not, with the end of its log.
        """
        with self.log.open("ab") as log:
            self.process = self._launched(log)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            PartFailed: when it ends, or does not answer in time, with the end of its log.
        """
        deadline = time.monotonic() + self.start_seconds
        while not self._answers():
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise PartFailed(f"{self.name} does not answer\n{self.log.read_text('utf-8', 'replace')[-_SAID:]}")
            time.sleep(_POLL_SECONDS)

    def stop(self, seconds: float | None = None) -> bool:
        """Stop it, like an operator. Does nothing if it does not run.

        Args:
            seconds: Time to end by itself, before it is killed; None for the usual one.

        Returns:
            Whether it ended by itself.
        """
        if self.process is None:
            return True
        self.process.terminate()
        try:
            self.process.wait(self.stop_seconds if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self.process = None
        return True

    def kill(self) -> None:
        """Kill it, like a crash of the machine."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    @abstractmethod
    def _launched(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start its process, with its output in the log."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it answers requests."""
