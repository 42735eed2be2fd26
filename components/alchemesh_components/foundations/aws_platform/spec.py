"""Catalogue entry of aws-platform."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="aws-platform",
    component_type="platform-foundation",
    roles=(Role.PLATFORM,),
    summary="Bucket of the state, server of the registry, and repository of images for all products on AWS.",
    version="1.0.0",
    maturity="experimental",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.foundations.aws_platform.component:AwsPlatform",
    args="alchemesh_components.foundations.aws_platform.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_components.foundations.aws_platform.models:PlatformOutputs",
    extras=("alchemesh-platform[aws]",),
    plugins=("aws-native",),
    permissions=permissions_for(
        "aws-native:ecr:Repository",
        "aws-native:rds:DbInstance",
        "aws-native:s3:Bucket",
        "aws-native:s3:BucketPolicy",
    ),
)
