"""Catalogue entry of gcs-bucket."""

from alchemesh_platform.catalog.identity import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.catalog.spec import FOUNDATIONS, ComponentSpec, Role

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
    settings="alchemesh_components.gcp_settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    observe="alchemesh_components.infrastructure.gcs_bucket.observe:observe",
    check="alchemesh_components.infrastructure.gcs_bucket.check:check",
    guards=True,
    lets_in_by=GOOGLE_SERVICE_ACCOUNT,
    stands_on=FOUNDATIONS,
    plugins=("gcp",),
)
