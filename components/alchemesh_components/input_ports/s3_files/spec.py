"""Catalogue entry of s3-files."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="s3-files",
    component_type="file-ingestion",
    roles=(Role.INPUT_PORT,),
    summary="Files of a bucket of S3, read where they are, with the right to read them and nothing else.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    enforces_schema=True,
    component="alchemesh_components.input_ports.s3_files.component:S3Files",
    args="alchemesh_components.input_ports.s3_files.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    check="alchemesh_components.input_ports.s3_files.check:check",
    observe="alchemesh_components.infrastructure.s3_bucket.observe:observe",
    extras=("alchemesh-platform[aws]",),
    plugins=("aws-native",),
    permissions=permissions_for("aws-native:iam:RolePolicy"),
)
