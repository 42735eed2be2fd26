"""Tables of BigQuery, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import System

SYSTEM = System(
    name="bigquery",
    summary="Columns of BigQuery tables, brought up to their models, and their rows.",
    handlers={
        "alchemesh:bigquery:TableSchema": "alchemesh_platform.systems.bigquery.handler:TableSchemaHandler",
    },
    data={
        "tables/bigquery": "alchemesh_platform.systems.bigquery.data.backend:DATA",
        "data-api/bigquery": "alchemesh_platform.systems.bigquery.data.backend:VIEWS",
    },
)
