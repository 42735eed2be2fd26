"""Catalogue entry of aws-domain."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="aws-domain",
    component_type="domain-foundation",
    roles=(Role.DOMAIN,),
    summary="A role that deploys the products of a domain and no others, a limit of their roles, and a budget.",
    version="1.0.0",
    maturity="experimental",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.foundations.aws_domain.component:AwsDomain",
    args="alchemesh_components.foundations.aws_domain.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_components.foundations.aws_domain.models:DomainOutputs",
    extras=("alchemesh-platform[aws]",),
    plugins=("aws-native",),
    permissions=permissions_for(
        "aws-native:budgets:Budget",
        "aws-native:iam:GroupPolicy",
        "aws-native:iam:ManagedPolicy",
        "aws-native:iam:Role",
        "aws-native:iam:RolePolicy",
        "aws-native:iam:UserPolicy",
    ),
)
