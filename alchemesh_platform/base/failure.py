"""Failures that end a run: one sentence, a remedy, and the exit code of docs/reference/exit-codes.md."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PROBLEMS = 3
    FORBIDDEN = 4
    LOCKED = 5
    ENGINE = 6
    UNRECORDED = 7
    CHANGES = 10


class Failure(Exception):
    """Base of every failure with a remedy; shown as its sentence and hint, without a traceback."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


EXIT_CODES: dict[ExitCode, str] = {
    ExitCode.DONE: "Done.",
    ExitCode.FAILED: "The run failed; its completed steps are recorded.",
    ExitCode.USAGE: "Wrong usage: an unknown command, option or name, or a question without a terminal.",
    ExitCode.PROBLEMS: "The manifest or the platform file has problems; the output lists each with its line.",
    ExitCode.FORBIDDEN: "A policy, a contract, a reference or a missing right forbids it.",
    ExitCode.LOCKED: "Another process holds the lock; the output names it.",
    ExitCode.ENGINE: "The engine is missing or too old.",
    ExitCode.UNRECORDED: "Nothing is recorded to compare with: `contract diff`, and `preview` with `--strict` or "
    "`--detailed-exitcode`.",
    ExitCode.CHANGES: "Only with `--detailed-exitcode`: the preview has changes.",
}
