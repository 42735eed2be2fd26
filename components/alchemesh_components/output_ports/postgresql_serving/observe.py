"""The health of a data API."""

from __future__ import annotations

from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: DataApiConnection) -> Observation:
    """Whether the server answers on each protocol that it offers."""
    from alchemesh_platform.systems.local.data_api.server import observe_api

    return observe_api(connection)
