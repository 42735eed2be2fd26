"""Catalogue entry of s3-bucket."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="s3-bucket",
    component_type="object-storage",
    roles=(Role.STORAGE, Role.INFRASTRUCTURE),
    summary="Object storage as a private bucket of S3.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.infrastructure.s3_bucket.component:S3Bucket",
    args="alchemesh_components.infrastructure.s3_bucket.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    provides="s3-objects",
    observe="alchemesh_components.infrastructure.s3_bucket.observe:observe",
    measure="alchemesh_platform.clouds.aws.quality:measure",
    check="alchemesh_components.infrastructure.s3_bucket.check:check",
    holds="alchemesh_components.infrastructure.s3_bucket.holds:holds",
    guards=True,
    required_identity=AWS_ROLE,
    extras=("alchemesh-platform[aws]",),
    depends_on=(Role.DOMAIN,),
    plugins=("aws-native",),
    permissions=permissions_for(
        "aws-native:s3:Bucket",
        "aws-native:s3:BucketPolicy",
        "aws-native:iam:RolePolicy",
    ),
)
