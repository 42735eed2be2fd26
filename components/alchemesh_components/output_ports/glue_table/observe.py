"""The health of tables of the Glue catalog."""

from __future__ import annotations

import os
from collections.abc import Mapping

from alchemesh_components.aws.observing import observed
from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation


def observe(connection: TablesConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Rows, size and last change of each table, from the manifest of its files, with the rights of the current user.

    Args:
        connection: The tables.
        environ: Names the emulated AWS, if one is used.
    """
    from alchemesh_platform.clouds.aws.client import place_of
    from alchemesh_platform.clouds.aws.data.contents import table_contents
    from alchemesh_platform.clouds.aws.services import service_of

    def look() -> Observation:
        service = service_of("s3", environ)
        tables: dict[str, TableObservation] = {}
        for name, url in connection.tables.items():
            found = table_contents(service, place_of(url))
            tables[name] = TableObservation(found.rows, found.bytes, found.changed_at)
        empty = [name for name, table in tables.items() if not table.rows]
        if len(empty) == len(tables):
            return Observation("empty", "0 rows", tables)
        return Observation("healthy", "", tables)

    return observed("the tables", look)
