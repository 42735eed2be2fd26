"""Catalogue entry of secret-manager-secret."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="secret-manager-secret",
    component_type="secret",
    roles=(Role.INFRASTRUCTURE,),
    summary="A secret in Secret Manager, whose value only the team and its code know.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.infrastructure.secret_manager_secret.component:SecretManagerSecret",
    args="alchemesh_components.infrastructure.secret_manager_secret.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:SecretConnection",
    check="alchemesh_components.infrastructure.secret_manager_secret.check:check",
    holds="alchemesh_components.infrastructure.secret_manager_secret.holds:holds",
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:secretmanager/secret",
        "gcp:secretmanager/secretIamMember",
    ),
)
