"""Apache Kafka, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import System

_HANDLERS = "alchemesh_platform.systems.kafka.handlers"

SYSTEM = System(
    name="kafka",
    summary="Topics of Apache Kafka: their schemas, rights, users, and files made of their messages.",
    handlers={
        "alchemesh:kafka:Topic": f"{_HANDLERS}.topic:TopicHandler",
        "alchemesh:kafka:SourceTopic": f"{_HANDLERS}.source_topic:SourceTopicHandler",
        "alchemesh:kafka:Rights": f"{_HANDLERS}.rights:RightsHandler",
        "alchemesh:kafka:MemberUsers": f"{_HANDLERS}.member_users:MemberUsersHandler",
        "alchemesh:kafka:TopicIngestion": f"{_HANDLERS}.topic_ingestion:TopicIngestionHandler",
    },
    connections={"topic": "alchemesh_platform.systems.kafka.connections:TopicConnection"},
    subscribers={"topic": "alchemesh_platform.systems.kafka.subscription:SUBSCRIBERS"},
    credentials={"topic": "alchemesh_platform.systems.kafka.credential:CREDENTIALS"},
    servers=(("kafka", "bootstrap_servers"),),
    retained="alchemesh_platform.systems.kafka.retained:RETAINED",
    errors="alchemesh_platform.systems.kafka.errors:ERRORS",
    probes={"topic/kafka": "alchemesh_platform.systems.kafka.probes:TOPICS"},
    metering={"topic/kafka": "alchemesh_platform.systems.kafka.usage:METERING"},
    data={"topic/kafka": "alchemesh_platform.systems.kafka.data.topics:DATA"},
)
