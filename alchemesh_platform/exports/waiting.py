"""OpenLineage events that wait for their receiver: an SQLite file of an environment, with a limited size."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

MOST = 2_000  # events; a day of a product that is measured each few minutes
PATIENCE_SECONDS = 10
_SCHEMA = "CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL)"


class WaitingEvents:
    """The events that wait, oldest first. They survive a kill. An event leaves when it is accepted, or as the oldest.

    Args:
        file: The SQLite file; created with its folder when the first event waits.
        most: The most events; a new one takes the place of the oldest.
    """

    def __init__(self, file: Path, most: int = MOST) -> None:
        self._file, self._most = file, most

    def keep(self, events: Sequence[dict[str, Any]]) -> int:
        """Keep events; returns the number of older ones that were dropped.

        Raises:
            OSError, sqlite3.Error: when the file cannot be written.
        """
        rows = [(json.dumps(event, ensure_ascii=False),) for event in events]
        with self._open() as connection, connection:
            connection.executemany("INSERT INTO waiting (document) VALUES (?)", rows)
            kept = connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
            dropped = max(int(kept) - self._most, 0)
            oldest = "DELETE FROM waiting WHERE number IN (SELECT number FROM waiting ORDER BY number LIMIT ?)"
            connection.execute(oldest, (dropped,))
        return dropped

    def first(self) -> tuple[int, dict[str, Any]] | None:
        """The oldest event with its number; None if none waits."""
        if not self._file.exists():
            return None
        with self._open() as connection:
            row = connection.execute("SELECT number, document FROM waiting ORDER BY number LIMIT 1").fetchone()
        return None if row is None else (row[0], json.loads(row[1]))

    def done(self, number: int) -> None:
        """Remove an event that was accepted or refused for good."""
        with self._open() as connection, connection:
            connection.execute("DELETE FROM waiting WHERE number = ?", (number,))

    def __len__(self) -> int:
        if not self._file.exists():
            return 0
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM waiting").fetchone()[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=PATIENCE_SECONDS)) as connection:
            connection.execute(_SCHEMA)
            yield connection
