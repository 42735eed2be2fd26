"""How a data API is doing."""

from __future__ import annotations

from alchemesh_platform.catalog.observation import Observation
from alchemesh_platform.connections import DataApiConnection


def observe(connection: DataApiConnection) -> Observation:
    """Whether the server answers on each protocol that it offers."""
    from alchemesh_platform.local.data_api import observe_api

    return observe_api(connection)
