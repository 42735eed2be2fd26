"""The health of Iceberg tables."""

from __future__ import annotations

from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: TablesConnection) -> Observation:
    """Rows, size and last change of each table, read from its metadata without touching the data."""
    from alchemesh_platform.systems.local.iceberg.catalog import Place
    from alchemesh_platform.systems.local.iceberg.tables import missing_files, observe_table
    from alchemesh_platform.systems.local.tables.health import health_of

    places = {name: Place.of(connection, name) for name in connection.tables}
    return health_of(places, observe_table, missing_files)
