"""Catalogue entry of gcs-bucket."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="gcs-bucket",
    component_type="object-storage",
    roles=(Role.STORAGE, Role.INFRASTRUCTURE),
    summary="Object storage as a private bucket of Google Cloud Storage.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.infrastructure.gcs_bucket.component:GcsBucket",
    args="alchemesh_components.infrastructure.gcs_bucket.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    provides="gcs-objects",
    observe="alchemesh_components.infrastructure.gcs_bucket.observe:observe",
    measure="alchemesh_platform.clouds.gcp.quality.buckets:measure",
    check="alchemesh_components.infrastructure.gcs_bucket.check:check",
    holds="alchemesh_components.infrastructure.gcs_bucket.holds:holds",
    guards=True,
    required_identity=GOOGLE_SERVICE_ACCOUNT,
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:storage/bucket",
        "gcp:storage/bucketIAMMember",
    ),
)
