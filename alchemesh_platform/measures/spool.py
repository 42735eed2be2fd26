"""Reports that wait to be sent: an SQLite file beside the code. A report leaves it only after it was accepted.

There is no background thread. The next report, the end of the run and the next run send what waits.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.measures.report import Report, ReportRefused, read_report

PATIENCE_SECONDS = 10
BATCH = 500
_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, document TEXT NOT NULL,
  sender TEXT NOT NULL, kept_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS refused (
  number INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL, reason TEXT NOT NULL, refused_at TEXT NOT NULL
);
"""


class ReportNotKept(Failure):
    """Raised when a report cannot be written to the spool. Its text has the hint, because code prints it."""

    def __str__(self) -> str:
        return f"{self.message!s}\n\nhint: {self.hint!s}" if self.hint else str(self.message)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report that waits.

    Args:
        sender: The person or pipeline that reported it, as JSON; empty for the product's code.
    """

    report: Report
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A report that was refused after it had been kept, and the reason."""

    report: Report
    reason: str


class Spool:
    """The reports of one product that wait, safe for several processes.

    Args:
        file: The SQLite file; created with its folder when the first report is kept.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._unreadable: list[str] = []

    def keep(self, reports: Sequence[Report], now: datetime, sender: str = "") -> None:
        """Keep reports until they are accepted, all or none. They survive a kill once this returns.

        Args:
            now: The time.
            sender: The person or pipeline that reports, as JSON; empty for the product's code.

        Raises:
            ReportRefused: when a report with the same id and another content waits.
            ReportNotKept: when the file cannot be written.
        """
        with self._open() as connection, connection:
            for report in reports:
                added = connection.execute(
                    "INSERT OR IGNORE INTO waiting (id, digest, document, sender, kept_at) VALUES (?, ?, ?, ?, ?)",
                    (report.key, report.digest, _document(report), sender, now.isoformat()),
                )
                if added.rowcount == 0:
                    found = connection.execute("SELECT digest FROM waiting WHERE id = ?", (report.key,)).fetchone()
                    refuse_conflict(report, found[0])

    def waiting(self) -> int:
        """The number of reports that wait."""
        if not self.file.exists():
            return 0
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def batches(self) -> Iterator[list[Waiting]]:
        """The reports that wait, oldest first, each batch once. Call :meth:`done` for each batch."""
        last = 0
        while self.file.exists():
            with self._open() as connection:
                rows = connection.execute(
                    "SELECT number, document, sender FROM waiting WHERE number > ? ORDER BY number LIMIT ?",
                    (last, BATCH),
                ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            readable = [Waiting(report, sender) for report, sender in self._read(rows)]
            if readable:
                yield readable

    def unreadable(self) -> list[str]:
        """The reasons why reports were set aside unread since the last call."""
        found, self._unreadable = self._unreadable, []
        return found

    def _read(self, rows: Iterable[tuple[int, Any, Any]]) -> Iterator[tuple[Report, str]]:
        """The reports of rows. One that cannot be read is set aside as it is, so that it does not hold up the others.

        It may come from another version of alchemesh, or from a program that changed the file.
        """
        for number, document, sender in rows:
            try:
                yield read_report(json.loads(document)), str(sender)
            except (ReportRefused, ValueError, TypeError, RecursionError) as error:
                reason = str(error.message) if isinstance(error, ReportRefused) else "it is no JSON of a report"
                with self._open() as connection, connection:
                    connection.execute(
                        "INSERT INTO refused (document, reason, refused_at) VALUES (?, ?, ?)",
                        (document, reason, datetime.now(UTC).isoformat()),
                    )
                    connection.execute("DELETE FROM waiting WHERE number = ?", (number,))
                self._unreadable.append(reason)

    def done(self, reports: Iterable[Report], refused: Iterable[Refused], now: datetime) -> None:
        """Remove reports that were accepted, and set refused ones aside with the reason."""
        aside = list(refused)
        with self._open() as connection, connection:
            connection.executemany(
                "INSERT INTO refused (document, reason, refused_at) VALUES (?, ?, ?)",
                [(_document(each.report), each.reason, now.isoformat()) for each in aside],
            )
            gone = [*reports, *(each.report for each in aside)]
            connection.executemany("DELETE FROM waiting WHERE id = ?", [(report.key,) for report in gone])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.file, timeout=PATIENCE_SECONDS)) as connection:
                self.file.chmod(0o600)
                # The file survives a kill of the process and a loss of power. Source: https://sqlite.org/pragma.html
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(_SCHEMA)
                yield connection
        except (sqlite3.Error, OSError) as error:
            damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
            raise ReportNotKept(
                f"the report cannot be kept in {self.file}: {getattr(error, 'strerror', None) or error}",
                hint="move the file away: its reports can be rescued with sqlite3 FILE .recover"
                if damaged
                else "check the space and the rights of its folder",
            ) from error


def _document(report: Report) -> str:
    return report.model_dump_json(exclude_defaults=True)


def refuse_conflict(report: Report, digest: str) -> None:
    """Refuse a report whose id is used by another content.

    Args:
        digest: Digest of the content that has the id.

    Raises:
        ReportRefused: when the contents differ.
    """
    if report.digest != digest:
        raise ReportRefused(
            f"another report of {report.measure} of {report.subject} at {report.measured_at:%Y-%m-%d %H:%M:%S} UTC has "
            f"the id {report.key} and another content",
            hint="a correction needs its own time of measurement, or its own id",
        )
