"""Catalogue entry of pubsub-topic."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="pubsub-topic",
    component_type="streaming-topic",
    roles=(Role.STORAGE,),
    summary="A Pub/Sub topic for each model, with the model as its Avro schema.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.output_ports.pubsub_topic.component:PubsubTopics",
    args="alchemesh_components.output_ports.pubsub_topic.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:TopicConnection",
    observe="alchemesh_components.output_ports.pubsub_topic.observe:observe",
    provides="pubsub-messages",
    check="alchemesh_components.output_ports.pubsub_topic.check:check",
    holds="alchemesh_components.output_ports.pubsub_topic.holds:holds",
    guards=True,
    required_identity=GOOGLE_SERVICE_ACCOUNT,
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:pubsub/schema",
        "gcp:pubsub/subscription",
        "gcp:pubsub/subscriptionIAMMember",
        "gcp:pubsub/topic",
        "gcp:pubsub/topicIAMMember",
    ),
)
