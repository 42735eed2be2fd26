"""The health of a landing area."""

from __future__ import annotations

from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: FilesConnection) -> Observation:
    """The landed files, according to the landing area's own record."""
    from alchemesh_platform.systems.local.landing.ingestion import observe_landing

    return observe_landing(connection.path)
