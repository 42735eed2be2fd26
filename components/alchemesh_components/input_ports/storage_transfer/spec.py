"""Catalogue entry of storage-transfer."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="storage-transfer",
    component_type="file-ingestion",
    roles=(Role.INPUT_PORT,),
    summary="Files of another bucket, copied regularly into a private bucket by Storage Transfer.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    enforces_schema=True,
    component="alchemesh_components.input_ports.storage_transfer.component:StorageTransfer",
    args="alchemesh_components.input_ports.storage_transfer.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    observe="alchemesh_components.infrastructure.gcs_bucket.observe:observe",
    check="alchemesh_components.input_ports.storage_transfer.check:check",
    holds="alchemesh_components.input_ports.storage_transfer.holds:holds",
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:storage/bucket",
        "gcp:storage/bucketIAMMember",
        "gcp:storage/transferJob",
    ),
)
