"""Catalogue entry of secrets-manager-secret."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="secrets-manager-secret",
    component_type="secret",
    roles=(Role.INFRASTRUCTURE,),
    summary="A secret in Secrets Manager of AWS, whose value only the team and its code know.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.infrastructure.secrets_manager_secret.component:SecretsManagerSecret",
    args="alchemesh_components.infrastructure.secrets_manager_secret.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_platform.connections:SecretConnection",
    check="alchemesh_components.infrastructure.secrets_manager_secret.check:check",
    holds="alchemesh_components.infrastructure.secrets_manager_secret.holds:holds",
    extras=("alchemesh-platform[aws]",),
    depends_on=(Role.DOMAIN,),
    plugins=("aws-native",),
    permissions=permissions_for(
        "aws-native:secretsmanager:Secret",
        "aws-native:iam:RolePolicy",
    ),
)
