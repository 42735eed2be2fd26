"""Erasure of rows of a port, as a system carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.connections.ports import PortConnections


class NotErasable(Failure):
    """Raised when rows of a port cannot be erased, or the predicate does not fit its table."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """The result of an erasure.

    Args:
        rows: Number of erased rows.
        files: Number of removed files that held former versions of rows.
        copy: Whether the serving copy is without the rows; None if there is no serving copy.
        copy_problem: The reason why the serving copy may still have the rows; empty if it has not.
    """

    rows: int
    files: int
    copy: bool | None = None
    copy_problem: str = ""


class Erasure:
    """Erases rows of the tables of one kind of storage."""

    def at(self, platform: Platform) -> Erasure:
        """The erasure in an environment: for a service that is real in one and emulated in another."""
        return self

    def count(self, port: PortConnections, model: str, where: str) -> int:
        """The number of rows that a predicate selects. Changes nothing.

        Raises:
            NotErasable: when the table is not of this system, or the predicate does not fit it.
        """
        raise NotImplementedError

    def erase(
        self, port: PortConnections, model: str, where: str, report: Callable[[str], None], begun: Callable[[int], None]
    ) -> ErasedRows:
        """Delete the rows that a predicate selects, and every former version of the table.

        The caller holds the lock of the product. A second call finishes a call that was killed.

        Args:
            port: The connections of the port: its storage, and its proxy with a possible copy.
            model: The model of the table.
            where: The predicate, in SQL.
            report: Receives a line for each finished step.
            begun: Receives the number of selected rows, before the first change.

        Raises:
            NotErasable: when the table is not of this system, or the predicate does not fit it.
        """
        raise NotImplementedError

    def remains(self, port: PortConnections, model: str) -> str:
        """A sentence on what the storage itself keeps after an erasure; empty if nothing."""
        return ""
