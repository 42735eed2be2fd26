"""The health of Delta tables."""

from __future__ import annotations

from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: TablesConnection) -> Observation:
    """Rows, size and last change of each table, read from its log without touching the data."""
    from alchemesh_platform.systems.local.tables.delta import missing_files, observe_table
    from alchemesh_platform.systems.local.tables.health import health_of

    return health_of({name: connection.path(name) for name in connection.tables}, observe_table, missing_files)
