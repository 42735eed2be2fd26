"""Catalogue entry of lambda-function."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="lambda-function",
    component_type="python-job",
    roles=(Role.CODE,),
    summary="A Python job on AWS Lambda, started by EventBridge Scheduler, with the rights that its ports need.",
    version="1.0.0",
    maturity="experimental",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.code.lambda_function.component:LambdaFunction",
    args="alchemesh_components.code.lambda_function.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_platform.connections:JobConnection",
    engine="alchemesh_platform.clouds.aws.functions.engine:ENGINE",
    check="alchemesh_components.code.lambda_function.check:check",
    look="alchemesh_components.code.lambda_function.check:look",
    extras=("alchemesh-platform[aws]",),
    depends_on=(Role.DOMAIN,),
    plugins=("aws-native",),
    permissions=permissions_for(
        "alchemesh:aws:Package",
        "aws-native:iam:Role",
        "aws-native:iam:RolePolicy",
        "aws-native:lambda:Alias",
        "aws-native:lambda:EventInvokeConfig",
        "aws-native:lambda:Function",
        "aws-native:lambda:Version",
        "aws-native:logs:LogGroup",
        "aws-native:s3:Bucket",
        "aws-native:s3:BucketPolicy",
        "aws-native:scheduler:Schedule",
        "aws-native:sqs:Queue",
    ),
)
