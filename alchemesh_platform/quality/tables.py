"""The tables of a port, as they are measured: a storage counts, and the platform judges.

A component names a function in ``ComponentSpec.measure``. The function receives a :class:`MeasuredPort` and gives its
tables: a subclass of :class:`Tables`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.manifest.models import Property
from alchemesh_platform.quality.dialect import DUCKDB, Dialect
from alchemesh_platform.quality.statement import Counts, Groups, Sum

if TYPE_CHECKING:
    from alchemesh_platform.data.rows import Rows

PATIENCE = timedelta(minutes=10)
BYTES_MAX = 10 * 1024**3
MESSAGES_MAX = 1_000_000


class TooSlow(Exception):
    """Raised when a scan does not end in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the scan did not end within {round(seconds, 1):g} s")


class NotMeasurable(Exception):
    """Raised when a storage cannot count something, or only above a limit. Gives the reason. The value is unknown."""


class NotRun(Exception):
    """Raised when a query cannot be run, or does not give one value. Gives the reason."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that measuring may cost.

    Args:
        patience: Time for the tables of a port together.
        bytes: Bytes that one query or one model may read, where reading costs money or time of other systems.
        messages: Messages of a topic to read.
    """

    patience: timedelta = PATIENCE
    bytes: int = BYTES_MAX
    messages: int = MESSAGES_MAX


class Deadline:
    """The moment at which measuring ends."""

    def __init__(self, patience: timedelta) -> None:
        self._end = time.monotonic() + patience.total_seconds()

    def seconds(self, waiting: int = 1) -> float:
        """The seconds for one task, if others wait: each may take the same part of the rest."""
        return max(self._end - time.monotonic(), 0.0) / max(waiting, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPort:
    """The storage of an output port, which is measured.

    Args:
        product: ``domain/product``.
        name: Name of the port.
        connection: The connection of its storage.
        models: Model: its properties.
        read: Gives the rows of a model, with the types of its properties.
        limits: The most that it may cost.
        note: Receives a line for the person who waits, such as the size of a query before it runs.
        kept: Folder for counts that a later measurement may use; None if there is none.
        environ: Environment variables, with the addresses of emulators and with secrets.
    """

    product: str
    name: str
    connection: Any
    models: Mapping[str, Mapping[str, Property]]
    read: Callable[[str], Rows]
    limits: Limits = field(default_factory=Limits)
    note: Callable[[str], None] = lambda _line: None
    kept: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


class Tables(AbstractContextManager["Tables"]):
    """The open tables of a port. All counts see the same rows, if the storage has versions.

    Attributes:
        dialect: The SQL of the storage.
        typed: Whether the storage enforces the types of properties.
    """

    dialect: Dialect = DUCKDB
    typed: bool = True

    def counts(self, model: str, sums: Sequence[Sum], groups: Sequence[Groups], seconds: float) -> Counts:
        """Count, in one statement.

        Args:
            model: The model whose rows are counted.
            sums: The sums, in the SQL of the dialect.
            groups: The keys.
            seconds: The time limit.

        Raises:
            TooSlow: when the statement does not end in time.
            NotMeasurable: when the storage does not count this, or the limits do not allow it.
            Exception: when the rows cannot be read.
        """
        raise NotImplementedError

    def value(self, query: str, seconds: float) -> Any:
        """The one value of a query, which sees each model as a table of its name and reads nothing else.

        Raises:
            TooSlow: when the query does not end in time.
            NotMeasurable: when the storage runs no queries, or the limits do not allow it.
            NotRun: when the query does not give one value.
            Exception: when the query fails.
        """
        raise NotMeasurable("the storage runs no queries")

    def by_rows(self, model: str) -> Tables:
        """The tables by their rows, to compare those of a model with a reference. The caller closes them.

        Raises:
            NotMeasurable: when the storage only counts by itself, or the limits do not allow it.
            Exception: when the size of the rows cannot be known.
        """
        raise NotMeasurable("the storage counts by itself, so its rows are not compared with a reference")

    def scope(self, model: str) -> str:
        """The part of the rows that was counted, in words; empty if it was all of them."""
        return ""

    def __exit__(self, *_error: object) -> None:
        """Close the tables."""


Measure = Callable[[MeasuredPort], Tables]
