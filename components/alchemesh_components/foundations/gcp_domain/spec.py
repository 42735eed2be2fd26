"""Catalogue entry of gcp-domain."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="gcp-domain",
    component_type="domain-foundation",
    roles=(Role.DOMAIN,),
    summary="A service account that deploys the products of a domain, the users who can act as it, and a budget.",
    version="1.0.0",
    maturity="experimental",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.foundations.gcp_domain.component:GcpDomain",
    args="alchemesh_components.foundations.gcp_domain.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_components.foundations.gcp_domain.models:DomainOutputs",
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:billing/budget",
        "gcp:monitoring/notificationChannel",
        "gcp:projects/iAMMember",
        "gcp:serviceaccount/account",
        "gcp:serviceaccount/iAMMember",
    ),
)
