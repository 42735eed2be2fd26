"""Catalogue entry of glue-table."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="glue-table",
    component_type="columnar-table",
    roles=(Role.STORAGE,),
    summary="A table of the Glue catalog for each model, as Parquet files in a private bucket of the port.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.output_ports.glue_table.component:GlueTables",
    args="alchemesh_components.output_ports.glue_table.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_platform.connections:TablesConnection",
    provides="glue-tables",
    observe="alchemesh_components.output_ports.glue_table.observe:observe",
    measure="alchemesh_platform.clouds.aws.quality:measure",
    check="alchemesh_components.output_ports.glue_table.check:check",
    holds="alchemesh_components.output_ports.glue_table.holds:holds",
    guards=True,
    required_identity=AWS_ROLE,
    extras=("alchemesh-platform[aws]",),
    depends_on=(Role.DOMAIN,),
    plugins=("aws-native",),
    permissions=permissions_for(
        "aws-native:s3:Bucket",
        "aws-native:s3:BucketPolicy",
        "aws-native:glue:Database",
        "aws-native:glue:Table",
        "aws-native:iam:Role",
        "aws-native:iam:RolePolicy",
        "aws-native:lakeformation:PrincipalPermissions",
    ),
)
