"""Failures that end a run: one sentence, a remedy, and the exit code of docs/reference/exit-codes.md."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from alchemesh_platform.base.remedy import with_text
from alchemesh_platform.base.secrecy.recognise import without_secrets


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
    NOT_MEASURABLE = 8
    NOT_DECIDED = 9
    CHANGES = 10
    AT_RISK = 11


class Failure(Exception):
    """Base of every failure with a remedy; shown as its sentence and hint, without a traceback.

    The text of a driver or of another package may repeat a password. The message and the hint never have one.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = with_text(message, without_secrets)
        self.hint = None if hint is None else with_text(hint, without_secrets)
        super().__init__(self.message)


EXIT_CODES: dict[ExitCode, str] = {
    ExitCode.DONE: "Done.",
    ExitCode.FAILED: "The run failed; its completed steps are recorded.",
    ExitCode.USAGE: "Wrong usage: an unknown command, option or name, or a question without a terminal.",
    ExitCode.PROBLEMS: "The manifest or the platform file has problems; the output lists each with its line.",
    ExitCode.FORBIDDEN: "A policy, a contract, the lock file, a reference or a missing right forbids it.",
    ExitCode.LOCKED: "Another process holds the lock; the output names it.",
    ExitCode.ENGINE: "The engine is missing or too old.",
    ExitCode.UNRECORDED: "Nothing is recorded to compare with: `contract diff`, and `preview` with `--strict` or "
    "`--detailed-exitcode`; `refresh --preview-only` with `--detailed-exitcode`.",
    ExitCode.NOT_MEASURABLE: "Only `contract verify --detailed-exitcode`: a business test or a measurement could not "
    "be run, and nothing is broken.",
    ExitCode.NOT_DECIDED: "Only `contract verify --detailed-exitcode`: a commitment is unknown or stale, and nothing "
    "is worse.",
    ExitCode.CHANGES: "Only with `--detailed-exitcode`: the preview has changes, or `refresh --preview-only` found "
    "drift.",
    ExitCode.AT_RISK: "Only `contract verify --detailed-exitcode`: a commitment is at risk, and the others are kept.",
}
