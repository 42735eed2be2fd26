"""Catalogue entry of kafka-nifi-gcs."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="kafka-nifi-gcs",
    component_type="kafka-ingestion",
    roles=(Role.INPUT_PORT,),
    summary="Events of a Kafka topic, written into a private bucket of Cloud Storage by an Apache NiFi dataflow.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=True,
    enforces_schema=True,
    component="alchemesh_components.input_ports.kafka_nifi_gcs.component:KafkaNifiGcs",
    args="alchemesh_components.input_ports.kafka_nifi_gcs.models:Args",
    settings="alchemesh_components.input_ports.kafka_nifi_gcs.models:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    observe="alchemesh_components.input_ports.kafka_nifi_gcs.observe:observe",
    check="alchemesh_components.input_ports.kafka_nifi_gcs.check:check",
    holds="alchemesh_components.input_ports.kafka_nifi_gcs.holds:holds",
    depends_on=FOUNDATIONS,
    plugins=("gcp", "kafka"),
    extras=("alchemesh-platform[kafka]", "alchemesh-platform[nifi]"),
    permissions=permissions_for(
        "alchemesh:kafka:Rights",
        "alchemesh:kafka:SourceTopic",
        "alchemesh:nifi:Dataflow",
        "gcp:serviceaccount/account",
        "gcp:serviceaccount/key",
        "gcp:storage/bucket",
        "gcp:storage/bucketIAMMember",
        "kafka:index/acl",
    ),
)
