"""The health of Delta tables."""

from __future__ import annotations

from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: TablesConnection) -> Observation:
    """Rows, size and last change of each table, read from its log without touching the data."""
    from alchemesh_platform.systems.local.tables.delta import missing_files, observe_table

    tables = {name: observe_table(connection.path(name)) for name in connection.tables}
    gone = [name for name, table in tables.items() if table is None]
    if gone:
        return Observation("unhealthy", f"no table for {', '.join(gone)}")
    lost = {name: files for name in tables if (files := missing_files(connection.path(name)))}
    if lost:
        words = ", ".join(f"{len(files)} of table {name}, such as {files[0]}" for name, files in lost.items())
        return Observation("unhealthy", f"missing files: {words}")
    return Observation("healthy", "", {name: table for name, table in tables.items() if table is not None})
