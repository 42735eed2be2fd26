"""How BigQuery tables are doing."""

from __future__ import annotations

import os

from alchemesh_platform.base.extras import install_command
from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation


def observe(connection: TablesConnection) -> Observation:
    """Rows, size and last change of each table, as BigQuery's own record has them, with the rights of whoever asks."""
    try:
        from google.api_core.exceptions import NotFound
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.bigquery import Client
    except ImportError:
        remedy = install_command("alchemesh-platform[gcp]")
        return Observation("unknown", f"google-cloud-bigquery is not installed: {remedy}")
    # Unlike Cloud Storage's, this client wants credentials of an emulator too.
    emulated = os.environ.get("BIGQUERY_EMULATOR_HOST")
    credentials = AnonymousCredentials() if emulated else None  # type: ignore[no-untyped-call]
    tables, gone = {}, []
    for name in connection.tables:
        table_id = connection.table_id(name)
        try:
            table = Client(project=table_id.partition(".")[0], credentials=credentials).get_table(table_id)
        except NotFound:
            gone.append(name)
        else:
            tables[name] = TableObservation(table.num_rows, table.num_bytes, table.modified)
    if gone:
        return Observation("unhealthy", f"no table for {', '.join(gone)}", tables)
    return Observation("healthy", "", tables)
