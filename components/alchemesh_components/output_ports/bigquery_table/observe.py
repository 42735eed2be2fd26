"""The health of BigQuery tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alchemesh_components.gcp.observing import observed
from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation


def observe(connection: TablesConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Rows, size and last change of each table, from BigQuery's metadata, with the rights of the current user.

    Args:
        connection: The tables.
        environ: Names the emulator of BigQuery, if one is used.
    """
    from alchemesh_platform.clouds.gcp.objects.data import rows_in
    from alchemesh_platform.clouds.gcp.objects.services import bigquery_of

    def look() -> Observation:
        service = bigquery_of(environ)
        tables, gone = {}, []
        for name in connection.tables:
            table = service.table(*connection.table_id(name).rsplit(".", 2))
            if table is None:
                gone.append(name)
            else:
                tables[name] = _content(table, rows_in(service, table))
        if gone:
            return Observation("unhealthy", f"no table for {', '.join(gone)}", tables)
        return Observation("healthy", "", tables)

    return observed("the tables", look)


def _content(table: Mapping[str, Any], rows: int) -> TableObservation:
    """The content of a table, from its metadata: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#Table"""
    changed = table.get("lastModifiedTime")
    return TableObservation(
        rows,
        int(table.get("numBytes") or 0),
        datetime.fromtimestamp(int(changed) / 1000, UTC) if changed else None,
    )
