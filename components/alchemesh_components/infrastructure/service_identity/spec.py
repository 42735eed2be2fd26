"""Catalogue entry of service-identity."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="service-identity",
    component_type="service-identity",
    roles=(Role.INFRASTRUCTURE,),
    summary="A service account of the product, for workloads other than its code.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.infrastructure.service_identity.component:ServiceIdentity",
    args="alchemesh_components.infrastructure.service_identity.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:IdentityConnection",
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:serviceaccount/account",
        "gcp:serviceaccount/iAMMember",
    ),
)
