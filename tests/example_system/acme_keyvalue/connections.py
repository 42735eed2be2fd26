"""Kinds of connections."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from acme_keyvalue.client import KeyValueStore
from alchemesh_platform.sdk.connections.base import AccessConnection, Connection


class KeyValueConnection(Connection):
    """A key-value store."""

    kind: Literal["keyvalue"] = "keyvalue"
    path: str = Field(description="The SQLite file.")

    def store(self) -> KeyValueStore:
        """A client of the store."""
        return KeyValueStore(Path(self.path))


class KeyValueAccessConnection(AccessConnection):
    """Access to a key-value store."""

    kind: Literal["keyvalue-access"] = "keyvalue-access"
    sqlite: str | None = Field(default=None, description="The file as a URL: sqlite:///…")
