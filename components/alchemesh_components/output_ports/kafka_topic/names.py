"""The names and the configuration of a port's topics."""

from __future__ import annotations

from alchemesh_components.kafka.settings import Settings
from alchemesh_components.output_ports.kafka_topic.models import Args
from alchemesh_platform.sdk.wiring import Wiring

# https://kafka.apache.org/documentation/#topicconfigs
OWN_CONFIG = {"cleanup.policy": "cleanup", "retention.ms": "retention"}


def topic_name(args: Args, settings: Settings, wiring: Wiring, model: str) -> str:
    """The topic of a model."""
    own = args.topics.get(model)
    return own or f"{settings.kafka.topic_prefix}{wiring.domain}.{wiring.product}.{wiring.port}.{model}"


def topic_config(args: Args) -> dict[str, str]:
    """The configuration of each topic of the port."""
    config = {**args.config, "cleanup.policy": args.cleanup}
    if args.retention is not None:
        config["retention.ms"] = str(int(args.retention.total_seconds() * 1000))
    return config
