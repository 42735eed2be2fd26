"""How a run says that it cannot go on: one sentence, a way out, and the exit code of docs/reference/exit-codes.md."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the shell is told."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PROBLEMS = 3
    FORBIDDEN = 4
    LOCKED = 5
    ENGINE = 6
    CHANGES = 10


class Failure(Exception):
    """Base of every failure that a person can do something about; shown as its sentence and hint, with no traceback."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


EXIT_CODES: dict[ExitCode, str] = {
    ExitCode.DONE: "Done.",
    ExitCode.FAILED: "The run failed; what was done until then is recorded.",
    ExitCode.USAGE: "Wrong usage: an unknown command, option or name, or a question where nobody can answer.",
    ExitCode.PROBLEMS: "The manifest or the platform file has problems; each was told with its line.",
    ExitCode.FORBIDDEN: "A policy, a contract, a reference or who is asking forbids it.",
    ExitCode.LOCKED: "Somebody else holds the lock; who was told.",
    ExitCode.ENGINE: "The engine is missing or too old.",
    ExitCode.CHANGES: "Only with `--detailed-exitcode`: the preview has changes.",
}
