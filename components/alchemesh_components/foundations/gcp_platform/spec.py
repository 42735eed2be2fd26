"""Catalogue entry of gcp-platform."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="gcp-platform",
    component_type="platform-foundation",
    roles=(Role.PLATFORM,),
    summary="Services, bucket of the state, registry and image repositories for all products on Google Cloud.",
    version="1.0.0",
    maturity="experimental",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.foundations.gcp_platform.component:GcpPlatform",
    args="alchemesh_components.foundations.gcp_platform.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_components.foundations.gcp_platform.models:PlatformOutputs",
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:artifactregistry/repository",
        "gcp:cloudrunv2/job",
        "gcp:cloudrunv2/jobIamMember",
        "gcp:cloudscheduler/job",
        "gcp:projects/iAMMember",
        "gcp:projects/service",
        "gcp:projects/serviceIdentity",
        "gcp:secretmanager/secretIamMember",
        "gcp:serviceaccount/account",
        "gcp:sql/database",
        "gcp:sql/databaseInstance",
        "gcp:storage/bucket",
    ),
)
