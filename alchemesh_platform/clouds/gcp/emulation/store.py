"""The stored state of the emulated cloud: every resource with its properties, and injected faults.

One SQLite file for each environment, which survives runs. For a refresh, a resource that was removed from it or changed
in it was removed or changed by hand.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

FILE = "cloud.db"
BUSY_SECONDS = 30.0  # how long an operation waits for another transaction
HIDDEN = {"hidden": "secret"}  # the mark that replaces a secret

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
        id: The service's id of the resource: ``projects/acme/topics/flights``.
        urn: URN of the Pulumi resource that created it.
        inputs: Input properties, by their names in Pulumi; secrets are hidden.
        outputs: Computed properties.
        made: Whether its creation finished. It is false if a run was killed during the creation.
    """

    type: str
    id: str
    urn: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    made: bool = True

    @property
    def properties(self) -> dict[str, Any]:
        """All its properties."""
        return {**self.inputs, **self.outputs}


class Store:
    """The file. Several processes can open it, and every method is one transaction."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / FILE
        with self._transaction() as database:
            database.executescript(_TABLES)

    def get(self, type_: str, identity: str) -> Kept | None:
        """A resource; None if it does not exist."""
        with self._transaction() as database:
            row = database.execute("SELECT * FROM resource WHERE type = ? AND id = ?", (type_, identity)).fetchone()
        return _kept(row) if row else None

    def all(self, type_: str | None = None) -> list[Kept]:
        """Every resource, or those of one type, sorted by type and id."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT * FROM resource WHERE ? IS NULL OR type = ? ORDER BY type, id",
                (type_, type_),
            ).fetchall()
        return [_kept(row) for row in rows]

    def put(self, kept: Kept) -> None:
        """Store the current state of a resource."""
        with self._transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(kept.type, kept.id, kept.urn, json.dumps(hidden(kept.inputs)), json.dumps(hidden(kept.outputs))),
                    kept.made,
                ),
            )

    def change(self, type_: str, identity: str, **inputs: Any) -> None:
        """Change properties of a resource by hand. None removes a property.

        Raises:
            LookupError: when it does not exist.
        """
        kept = self.get(type_, identity)
        if kept is None:
            raise LookupError(f"no {type_} {identity}")
        changed = {name: value for name, value in {**kept.inputs, **inputs}.items() if value is not None}
        self.put(replace(kept, inputs=changed))

    def remove(self, type_: str, identity: str) -> bool:
        """Remove a resource, and return whether it existed."""
        with self._transaction() as database:
            done = database.execute("DELETE FROM resource WHERE type = ? AND id = ?", (type_, identity))
            return done.rowcount > 0

    def disable_api(self, project: str, service: str) -> None:
        """Disable a service in a project, such as ``bigquery.googleapis.com``."""
        self._fault(_API_DISABLED, service, project)

    def enable_api(self, project: str, service: str) -> None:
        """Enable a service in a project."""
        with self._transaction() as database:
            database.execute(
                "DELETE FROM fault WHERE what = ? AND service = ? AND place = ?", (_API_DISABLED, service, project)
            )

    def api_disabled(self, project: str, service: str) -> bool:
        """Whether a service is disabled in a project."""
        return self._has_fault(_API_DISABLED, service, project)

    def withdraw_region(self, service: str, region: str) -> None:
        """Make a region unavailable for a service."""
        self._fault(_REGION_ABSENT, service, region.lower())

    def region_absent(self, service: str, region: str) -> bool:
        """Whether a region is unavailable for a service."""
        return self._has_fault(_REGION_ABSENT, service, region.lower())

    def withhold_image(self, image: str) -> None:
        """Make an image missing in its repository until it is pushed. All other images exist."""
        self._fault(_IMAGE_ABSENT, "", image)

    def push_image(self, image: str) -> None:
        """Make an image exist in its repository."""
        with self._transaction() as database:
            database.execute("DELETE FROM fault WHERE what = ? AND place = ?", (_IMAGE_ABSENT, image))

    def image_absent(self, image: str) -> bool:
        """Whether an image is missing in its repository."""
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
    """The same value with a mark instead of each secret, since the store is a plain file."""
    from alchemesh_platform.provider.values import Secret  # with Pulumi's SDK, which readers of the store do without

    if isinstance(tree, Secret):
        return HIDDEN
    if isinstance(tree, Mapping):
        return {name: hidden(value) for name, value in tree.items()}
    return [hidden(item) for item in tree] if isinstance(tree, list | tuple) else tree


def _kept(row: tuple[str, str, str, str, str, int]) -> Kept:
    return Kept(row[0], row[1], row[2], json.loads(row[3]), json.loads(row[4]), bool(row[5]))
