"""Catalogue entry of kafka-directory."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="kafka-directory",
    component_type="kafka-ingestion",
    roles=(Role.INPUT_PORT,),
    summary="A Kafka topic, written as Parquet into a folder of this machine by a supervised consumer.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    enforces_schema=True,
    component="alchemesh_components.input_ports.kafka_directory.component:KafkaDirectory",
    args="alchemesh_components.input_ports.kafka_directory.models:Args",
    settings="alchemesh_components.input_ports.kafka_directory.models:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    infer="alchemesh_components.input_ports.kafka_directory.infer:infer",
    observe="alchemesh_components.input_ports.kafka_directory.observe:observe",
    check="alchemesh_components.input_ports.kafka_directory.check:check",
    extras=("alchemesh-platform[kafka]", "alchemesh-platform[local]"),
    permissions=permissions_for(
        "alchemesh:kafka:TopicIngestion",
    ),
)
