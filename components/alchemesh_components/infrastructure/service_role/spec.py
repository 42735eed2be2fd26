"""Catalogue entry of service-role."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="service-role",
    component_type="service-identity",
    roles=(Role.INFRASTRUCTURE,),
    summary="A role of IAM of the product, for workloads other than its code.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.infrastructure.service_role.component:ServiceRole",
    args="alchemesh_components.infrastructure.service_role.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_platform.clouds.aws.connections:RoleConnection",
    extras=("alchemesh-platform[aws]",),
    depends_on=(Role.DOMAIN,),
    plugins=("aws-native",),
    permissions=permissions_for(
        "aws-native:iam:Role",
        "aws-native:iam:RolePolicy",
    ),
)
