"""The health of BigQuery tables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from alchemesh_platform.base.extras import install_command
from alchemesh_platform.connections import TablesConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation


def observe(connection: TablesConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Rows, size and last change of each table, from BigQuery's metadata, with the rights of the current user.

    Args:
        connection: The tables.
        environ: Names the emulator of BigQuery, if one is used.
    """
    try:
        from google.api_core.exceptions import NotFound
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.bigquery import Client
    except ImportError:
        remedy = install_command("alchemesh-platform[gcp]")
        return Observation("unknown", f"google-cloud-bigquery is not installed: {remedy}")
    # Unlike Cloud Storage's client, this client needs credentials for an emulator too.
    emulator = environ.get("BIGQUERY_EMULATOR_HOST")
    credentials = AnonymousCredentials() if emulator else None  # type: ignore[no-untyped-call]
    options = {"api_endpoint": emulator} if emulator else None
    tables, gone = {}, []
    for name in connection.tables:
        table_id = connection.table_id(name)
        try:
            client = Client(project=table_id.partition(".")[0], credentials=credentials, client_options=options)
            table = client.get_table(table_id)
        except NotFound:
            gone.append(name)
        else:
            tables[name] = TableObservation(table.num_rows, table.num_bytes, table.modified)
    if gone:
        return Observation("unhealthy", f"no table for {', '.join(gone)}", tables)
    return Observation("healthy", "", tables)
