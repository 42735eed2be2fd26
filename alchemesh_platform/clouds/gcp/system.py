"""Google Cloud, as a system."""

from __future__ import annotations

from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.system.system import System

_OBJECTS = "alchemesh_platform.clouds.gcp.objects"

SYSTEM = System(
    name="gcp",
    summary="Google Cloud: its errors, identities, and its emulation on this machine.",
    connections={
        "secret": "alchemesh_platform.clouds.gcp.connections:SecretConnection",
        "identity": "alchemesh_platform.clouds.gcp.connections:IdentityConnection",
    },
    errors="alchemesh_platform.clouds.gcp.errors:ERRORS",
    import_ids={"gcp": "alchemesh_platform.clouds.gcp.emulation.catalog:identity_of"},
    emulation="alchemesh_platform.clouds.gcp.emulation.environment:EMULATION",
    data={
        "files/gs": "alchemesh_platform.clouds.gcp.data.folder:DATA",
        "topic/pubsub": "alchemesh_platform.clouds.gcp.data.topics:DATA",
    },
    probes={
        "tables/bigquery": "alchemesh_platform.clouds.gcp.probes:TABLES",
        "data-api/bigquery": "alchemesh_platform.clouds.gcp.probes:DATA_APIS",
        "data-api/https": "alchemesh_platform.clouds.gcp.probes:DATA_APIS",
        "files/gs": "alchemesh_platform.clouds.gcp.probes:BUCKETS",
        "topic/pubsub": "alchemesh_platform.clouds.gcp.probes:TOPICS",
    },
    metering={
        "tables/bigquery": "alchemesh_platform.clouds.gcp.job_history:METERING",
        "data-api/bigquery": "alchemesh_platform.clouds.gcp.job_history:METERING",
    },
    objects={
        "gcp:storage/bucket:Bucket": f"{_OBJECTS}.data:BUCKET",
        "gcp:bigquery/dataset:Dataset": f"{_OBJECTS}.data:DATASET",
        "gcp:bigquery/table:Table": f"{_OBJECTS}.data:TABLE",
        "gcp:pubsub/topic:Topic": f"{_OBJECTS}.data:TOPIC",
        "gcp:pubsub/subscription:Subscription": f"{_OBJECTS}.labelled:SUBSCRIPTION",
        "gcp:secretmanager/secret:Secret": f"{_OBJECTS}.labelled:SECRET",
        "gcp:cloudrunv2/job:Job": f"{_OBJECTS}.labelled:JOB",
        "gcp:cloudrunv2/service:Service": f"{_OBJECTS}.labelled:SERVICE",
    },
    erasures={
        "tables/bigquery": "alchemesh_platform.clouds.gcp.erasure:ERASURE",
        "files/gs": "alchemesh_platform.clouds.gcp.erasure_of_files:ERASURE",
    },
    identities={GOOGLE_SERVICE_ACCOUNT: "a service account of Google Cloud, by its email"},
)
