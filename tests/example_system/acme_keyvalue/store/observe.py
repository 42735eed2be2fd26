"""How a store is doing."""

from __future__ import annotations

from pathlib import Path

from acme_keyvalue.client import KeyValueFailed
from acme_keyvalue.connections import KeyValueConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: KeyValueConnection) -> Observation:
    """Count the keys."""
    if not Path(connection.path).exists():
        return Observation("unhealthy", f"{connection.path} does not exist")
    try:
        return Observation("healthy", f"{connection.store().count()} keys")
    except KeyValueFailed as error:
        return Observation("unhealthy", str(error))
