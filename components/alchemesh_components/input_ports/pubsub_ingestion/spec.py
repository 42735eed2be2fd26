"""Catalogue entry of pubsub-ingestion."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="pubsub-ingestion",
    component_type="pubsub-ingestion",
    roles=(Role.INPUT_PORT,),
    summary="Messages of a Pub/Sub topic, written into a private bucket by a Cloud Storage subscription.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    enforces_schema=True,
    component="alchemesh_components.input_ports.pubsub_ingestion.component:PubsubIngestion",
    args="alchemesh_components.input_ports.pubsub_ingestion.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    observe="alchemesh_components.infrastructure.gcs_bucket.observe:observe",
    check="alchemesh_components.input_ports.pubsub_ingestion.check:check",
    holds="alchemesh_components.input_ports.pubsub_ingestion.holds:holds",
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:pubsub/subscription",
        "gcp:storage/bucket",
        "gcp:storage/bucketIAMMember",
    ),
)
