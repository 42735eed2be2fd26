"""The embedded local platform, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import AccessProtocol, System

SYSTEM = System(
    name="local",
    summary="The embedded local platform: folders, Delta and Iceberg tables, data APIs and jobs of one machine.",
    handlers={
        "alchemesh:local:Directory": "alchemesh_platform.systems.local.handlers.directory:DirectoryHandler",
        "alchemesh:local:DeltaTable": "alchemesh_platform.systems.local.handlers.delta_table:DeltaTableHandler",
        "alchemesh:local:IcebergTable": "alchemesh_platform.systems.local.handlers.iceberg_table:IcebergTableHandler",
        "alchemesh:local:Ingestion": "alchemesh_platform.systems.local.handlers.ingestion:IngestionHandler",
        "alchemesh:local:DataApi": "alchemesh_platform.systems.local.handlers.data_api:DataApiHandler",
        "alchemesh:local:DataApiGrant": "alchemesh_platform.systems.local.handlers.data_api_grant:DataApiGrantHandler",
        "alchemesh:local:Job": "alchemesh_platform.systems.local.handlers.job:JobHandler",
    },
    connections={
        "files": "alchemesh_platform.sdk.connections.files:FilesConnection",
        "tables": "alchemesh_platform.sdk.connections.tables:TablesConnection",
        "data-api": "alchemesh_platform.sdk.connections.data_api:DataApiConnection",
        "job": "alchemesh_platform.sdk.connections.job:JobConnection",
    },
    subscribers={"data-api": "alchemesh_platform.systems.local.subscription:SUBSCRIBERS"},
    credentials={"data-api": "alchemesh_platform.systems.local.credential:CREDENTIALS"},
    retained="alchemesh_platform.systems.local.retained:RETAINED",
    erasures={
        "tables": "alchemesh_platform.systems.local.erasure:ERASURE",
        "tables/iceberg": "alchemesh_platform.systems.local.iceberg.erasing:ERASURE",
    },
    data={
        "tables/delta": "alchemesh_platform.systems.local.data.delta:DATA",
        "tables/iceberg": "alchemesh_platform.systems.local.iceberg.data:DATA",
        "data-api": "alchemesh_platform.systems.local.data.data_api:DATA",
        "files/file": "alchemesh_platform.systems.local.data.folder:DATA",
    },
    probes={
        "data-api": "alchemesh_platform.systems.local.probes:DATA_APIS",
        "tables/delta": "alchemesh_platform.systems.local.probes:TABLES",
        "tables/iceberg": "alchemesh_platform.systems.local.probes:ICEBERG_TABLES",
        "files/file": "alchemesh_platform.systems.local.probes:FOLDERS",
    },
    metering={"data-api": "alchemesh_platform.systems.local.data_api.metering.sources:METERING"},
    emulation="alchemesh_platform.systems.local.emulation:EMULATION",
    checks={
        "data api": "alchemesh_platform.systems.local.doctor:data_api",
        "guarded sql": "alchemesh_platform.systems.local.doctor:guarded_sql",
        "sql memory": "alchemesh_platform.systems.local.doctor:memory_of_sql",
    },
    protocols=(
        AccessProtocol("sql", "SQL", sign_in="SCRAM; the database is {user}"),
        AccessProtocol("rest", "REST"),
        AccessProtocol("graphql", "GraphQL"),
    ),
)
