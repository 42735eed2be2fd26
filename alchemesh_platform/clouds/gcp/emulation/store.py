"""The stored state of the emulated cloud: every resource with its properties, and injected faults.

One SQLite file of an environment. It survives runs; what is taken out of it, or changed in it, was removed or changed
"by hand", as far as a refresh can tell.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alchemesh_platform.provider.values import Secret

FILE = "cloud.db"
BUSY_SECONDS = 30.0  # how long one operation waits for another's transaction
HIDDEN = {"hidden": "secret"}  # what is kept in the place of a secret: that it is there

_TABLES = """
CREATE TABLE IF NOT EXISTS resource (
    type TEXT NOT NULL, id TEXT NOT NULL, urn TEXT NOT NULL, inputs TEXT NOT NULL, outputs TEXT NOT NULL,
    made INTEGER NOT NULL, PRIMARY KEY (type, id)
);
CREATE TABLE IF NOT EXISTS fault (what TEXT NOT NULL, service TEXT NOT NULL, place TEXT NOT NULL,
    PRIMARY KEY (what, service, place)
);
"""
_API_DISABLED = "api disabled"
_REGION_ABSENT = "region absent"
_IMAGE_ABSENT = "image absent"


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored resource.

    Args:
        type: Pulumi type.
        id: The service's name for it: ``projects/acme/topics/flights``.
        urn: Which resource of which stack made it.
        inputs: Properties that were given, by their names in Pulumi; secrets are hidden.
        outputs: Properties that were computed.
        made: Whether making it came to an end: what a run was killed over is here, and not made.
    """

    type: str
    id: str
    urn: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    made: bool = True

    @property
    def properties(self) -> dict[str, Any]:
        """Everything that is known of it."""
        return {**self.inputs, **self.outputs}


class Store:
    """The file. Several processes may have it open; every method is one transaction."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / FILE
        with self._transaction() as database:
            database.executescript(_TABLES)

    def get(self, type_: str, identity: str) -> Kept | None:
        """A resource; None when it is not there."""
        with self._transaction() as database:
            row = database.execute("SELECT * FROM resource WHERE type = ? AND id = ?", (type_, identity)).fetchone()
        return _kept(row) if row else None

    def all(self, type_: str | None = None) -> list[Kept]:
        """Every resource, of one type where one is given, in the order of type and id."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT * FROM resource WHERE ? IS NULL OR type = ? ORDER BY type, id",
                (type_, type_),
            ).fetchall()
        return [_kept(row) for row in rows]

    def put(self, kept: Kept) -> None:
        """Keep a resource as it is now."""
        with self._transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(kept.type, kept.id, kept.urn, json.dumps(hidden(kept.inputs)), json.dumps(hidden(kept.outputs))),
                    kept.made,
                ),
            )

    def change(self, type_: str, identity: str, **inputs: Any) -> None:
        """Change properties of a resource by hand; None takes one away.

        Raises:
            LookupError: when it is not there.
        """
        kept = self.get(type_, identity)
        if kept is None:
            raise LookupError(f"no {type_} {identity}")
        changed = {name: value for name, value in {**kept.inputs, **inputs}.items() if value is not None}
        self.put(replace(kept, inputs=changed))

    def remove(self, type_: str, identity: str) -> bool:
        """Take a resource out; gives whether it was there."""
        with self._transaction() as database:
            done = database.execute("DELETE FROM resource WHERE type = ? AND id = ?", (type_, identity))
            return done.rowcount > 0

    def disable_api(self, project: str, service: str) -> None:
        """Have a project lack a service, such as ``bigquery.googleapis.com``, until one enables it."""
        self._fault(_API_DISABLED, service, project)

    def enable_api(self, project: str, service: str) -> None:
        """Have a project offer a service."""
        with self._transaction() as database:
            database.execute(
                "DELETE FROM fault WHERE what = ? AND service = ? AND place = ?", (_API_DISABLED, service, project)
            )

    def api_disabled(self, project: str, service: str) -> bool:
        """Whether a project lacks a service."""
        return self._has_fault(_API_DISABLED, service, project)

    def withdraw_region(self, service: str, region: str) -> None:
        """Have a service lack a region."""
        self._fault(_REGION_ABSENT, service, region.lower())

    def region_absent(self, service: str, region: str) -> bool:
        """Whether a service lacks a region."""
        return self._has_fault(_REGION_ABSENT, service, region.lower())

    def withhold_image(self, image: str) -> None:
        """Have a repository lack an image, until somebody pushes it; all others are there."""
        self._fault(_IMAGE_ABSENT, "", image)

    def push_image(self, image: str) -> None:
        """Have a repository hold an image."""
        with self._transaction() as database:
            database.execute("DELETE FROM fault WHERE what = ? AND place = ?", (_IMAGE_ABSENT, image))

    def image_absent(self, image: str) -> bool:
        """Whether a repository lacks an image."""
        return self._has_fault(_IMAGE_ABSENT, "", image)

    def _fault(self, what: str, service: str, place: str) -> None:
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO fault VALUES (?, ?, ?)", (what, service, place))

    def _has_fault(self, what: str, service: str, place: str) -> bool:
        with self._transaction() as database:
            found = database.execute(
                "SELECT 1 FROM fault WHERE what = ? AND service = ? AND place = ?", (what, service, place)
            ).fetchone()
        return found is not None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as database, database:
            yield database


def hidden(tree: Any) -> Any:
    """The same value with only a mark where a secret is: the store is a plain file."""
    if isinstance(tree, Secret):
        return HIDDEN
    if isinstance(tree, Mapping):
        return {name: hidden(value) for name, value in tree.items()}
    return [hidden(item) for item in tree] if isinstance(tree, list | tuple) else tree


def _kept(row: tuple[str, str, str, str, str, int]) -> Kept:
    return Kept(row[0], row[1], row[2], json.loads(row[3]), json.loads(row[4]), bool(row[5]))
