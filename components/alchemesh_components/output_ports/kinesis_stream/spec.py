"""Catalogue entry of kinesis-stream."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="kinesis-stream",
    component_type="streaming-topic",
    roles=(Role.STORAGE,),
    summary="A stream of Kinesis for each model, which scales on demand.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.output_ports.kinesis_stream.component:KinesisStreams",
    args="alchemesh_components.output_ports.kinesis_stream.models:Args",
    settings="alchemesh_components.aws.settings:Settings",
    outputs="alchemesh_platform.connections:TopicConnection",
    provides="kinesis-streams",
    observe="alchemesh_components.output_ports.kinesis_stream.observe:observe",
    check="alchemesh_components.output_ports.kinesis_stream.check:check",
    holds="alchemesh_components.output_ports.kinesis_stream.holds:holds",
    guards=True,
    required_identity=AWS_ROLE,
    extras=("alchemesh-platform[aws]",),
    depends_on=(Role.DOMAIN,),
    plugins=("aws-native",),
    permissions=permissions_for(
        "aws-native:kinesis:Stream",
        "aws-native:iam:RolePolicy",
    ),
)
