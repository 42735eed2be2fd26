"""Catalogue entry of athena-sql."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="athena-sql",
    component_type="data-api",
    roles=(Role.PROXY,),
    summary="SQL by Athena, with a workgroup for each consumer that limits the bytes of a query.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.output_ports.athena_sql.component:AthenaSql",
    args="alchemesh_components.output_ports.athena_sql.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_platform.connections:DataApiConnection",
    check="alchemesh_components.output_ports.athena_sql.check:check",
    serves=("glue-tables",),
    guards=True,
    required_identity=AWS_ROLE,
    protocols=("sql",),
    extras=("alchemesh-platform[aws]",),
    depends_on=(Role.DOMAIN,),
    plugins=("aws-native",),
    permissions=permissions_for(
        "aws-native:athena:WorkGroup",
        "aws-native:iam:Role",
        "aws-native:iam:RolePolicy",
        "aws-native:lakeformation:PrincipalPermissions",
    ),
)
