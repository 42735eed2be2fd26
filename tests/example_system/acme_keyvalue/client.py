"""Client of a key-value store: one SQLite file with one table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class KeyValueFailed(Exception):
    """Raised when a store cannot be used; says why."""


class KeyValueStore:
    """A store at a path.

    Args:
        path: The SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Create the store; one that exists is kept with its values."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, value TEXT NOT NULL)")

    def put(self, key: str, value: str) -> None:
        """Set the value of a key."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO pairs VALUES (?, ?)", (key, value))

    def get(self, key: str) -> str | None:
        """The value of a key; None where it has none."""
        with self._open() as connection:
            found = connection.execute("SELECT value FROM pairs WHERE key = ?", (key,)).fetchone()
        return str(found[0]) if found else None

    def count(self) -> int:
        """Number of keys."""
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM pairs").fetchone()[0])

    def remove(self) -> None:
        """Remove the store with its values."""
        self.path.unlink(missing_ok=True)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise KeyValueFailed(f"keyvalue: {self.path}: {error}") from error
