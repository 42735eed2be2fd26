"""Errors of typed input and output. Their texts are the same for every technology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy

SHOWN_MAX = 5
IN_ROWS, IN_TABLE = "in the written rows", "in the table"
_VALUE_MAX = 80


_MERGE = (
    'write with mode="merge" to replace the rows of the table that have the same key, '
    "or leave out these rows in the code"
)


class DataError(Failure):
    """Base of the errors of typed input and output. Its text has the hint, because code prints it."""

    def __str__(self) -> str:
        return f"{self.message!s}\n\nhint: {self.hint!s}" if self.hint else str(self.message)


class NotReadable(DataError):
    """Raised when rows of a port cannot be read."""


class NotWritable(DataError):
    """Raised when rows cannot be written to a port. Nothing was written."""


class SchemaMoved(NotWritable):
    """Raised when a table has another schema than the model that the code runs with. Nothing was written."""


class WriteConflict(DataError):
    """Raised when another writer changed the same table meanwhile. Nothing was written; run the code again."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One row that does not fit its model.

    Args:
        row: Number of the row in the written data, from 1.
        column: Column, or part of one: ``address.city``.
        found: The value and the reason, in words.
        key: The values of the key in this row.
    """

    row: int
    column: str
    found: str
    key: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        key = ", ".join(f"{name} {shown(value)}" for name, value in self.key)
        return f"row {self.row:,}{f' ({key})' if key else ''}: {self.column}: {self.found}"


class RowsRefused(NotWritable):
    """Raised when rows do not fit their model. Nothing was written.

    Attributes:
        misfits: The first rows that do not fit.
    """

    def __init__(self, port: str, model: str, misfits: Sequence[Misfit], *, mergeable: bool = False) -> None:
        """Describe the rows.

        Args:
            port: Name of the output port.
            model: Name of the model.
            misfits: The rows that do not fit.
            mergeable: Whether rows of the table have the keys, which a merge would replace.
        """
        self.misfits = tuple(misfits[:SHOWN_MAX])
        lines = "\n".join(f"  {misfit}" for misfit in self.misfits)
        super().__init__(
            f"output port {port!r}: rows do not fit model {model!r}, so nothing was written\n{lines}",
            hint=_MERGE
            if mergeable
            else "fix or leave out these rows in the code, or change the model in the manifest",
        )


def shown(value: Any) -> str:
    """A value in a message, cut if it is long."""
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= _VALUE_MAX else f"{text[:_VALUE_MAX]}…"


def schema_moved(port: str, model: str, reason: str) -> SchemaMoved:
    """The error for a table whose schema differs from the model that the code runs with."""
    return SchemaMoved(
        f"output port {port!r}: the table of model {model!r} has another schema than the model: {reason}",
        hint=remedy(
            "{} updates the table to its model; run the code again afterwards", command("up", about_product=True)
        ),
    )


def conflict(port: str, model: str, reason: str = "") -> WriteConflict:
    """The error for another writer that was faster."""
    return WriteConflict(
        f"output port {port!r}: another writer changed the table of model {model!r} meanwhile, so nothing was "
        f"written{f': {reason}' if reason else ''}",
        hint="run the code again",
    )


def mode_refused(port: str, mode: str, kind: str, modes: Sequence[str]) -> NotWritable:
    """The error for a mode that a technology does not have."""
    known = ", ".join(repr(each) for each in modes) or "none"
    return NotWritable(
        f"output port {port!r}: found mode {mode!r}, and the modes of {kind} are {known}",
        hint="choose one of these modes, or another storage for the port",
    )


def duplicate(names: Sequence[str], where: str) -> str:
    """The reason for a row whose key another row has.

    Args:
        names: The columns that must be unique together.
        where: ``IN_ROWS`` or ``IN_TABLE``.
    """
    return f"another row {where} has the same {' and '.join(names)}"
