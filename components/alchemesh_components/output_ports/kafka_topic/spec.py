"""Catalogue entry of kafka-topic."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="kafka-topic",
    component_type="streaming-topic",
    roles=(Role.STORAGE,),
    summary="A Kafka topic for each model, with the model's JSON Schema published; ACLs grant consumers access.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    component="alchemesh_components.output_ports.kafka_topic.component:KafkaTopics",
    args="alchemesh_components.output_ports.kafka_topic.models:Args",
    settings="alchemesh_components.kafka.settings:Settings",
    outputs="alchemesh_platform.connections:TopicConnection",
    provides="kafka-records",
    observe="alchemesh_components.output_ports.kafka_topic.observe:observe",
    measure="alchemesh_platform.systems.kafka.quality.topics:measure",
    check="alchemesh_components.output_ports.kafka_topic.check:check",
    guards=True,
    plugins=("kafka",),
    extras=("alchemesh-platform[kafka]",),
    permissions=permissions_for(
        "alchemesh:kafka:Topic",
        "alchemesh:kafka:MemberUsers",
        "kafka:index/acl",
        "kafka:index/userScramCredential",
    ),
)
