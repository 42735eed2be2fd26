"""The dataflow of the component kafka-nifi-gcs, over a real broker and into an emulated bucket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from alchemesh_components.input_ports.kafka_nifi_gcs import processors as words
from alchemesh_platform.provider.values import Secret
from parts.kafka import Broker
from parts.nifi import SUBSTITUTES

from .bucket import Bucket

USER = "ingestion"
PASSWORD = "ingestion-secret"


def grant_rights(kafka: Broker, topic: str) -> None:
    """A topic, and a user with the right to read it."""
    kafka.create_topic(topic, partitions=3)
    kafka.add_user(USER, PASSWORD)
    kafka.allow(USER, read=[topic], groups=["local.aviation"])


def dataflow(url: str, kafka: Broker, bucket: Bucket, topic: str, **changes: Any) -> dict[str, Any]:
    """Inputs of the dataflow, as the component gives them."""
    options: dict[str, Any] = {"substitutes": SUBSTITUTES, "tls_service": None}
    name = f"local.aviation.flights.{topic}"
    return {
        "server": url,
        "name": name,
        "owner": f"local:aviation/flights/{topic}",
        "parameters": {
            "kafka.servers": kafka.bootstrap,
            "kafka.topic": topic,
            "kafka.group": name,
            "kafka.username": USER,
            "gcs.bucket": bucket.name,
        },
        "sensitiveParameters": {"kafka.password": Secret(PASSWORD), "gcp.key": Secret("{}")},
        "services": words.services("SCRAM-SHA-512", "SASL_PLAINTEXT", with_key=True, **options),
        "processors": words.processors(
            format="json",
            start="earliest",
            mechanism="SCRAM-SHA-512",
            protocol="SASL_PLAINTEXT",
            batch_time=timedelta(seconds=2),
            batch_megabytes=1,
            dead_letter="dead-letter",
            storage_url=bucket.url,
            **options,
        ),
        "drainSeconds": 120.0,
        **changes,
    }
