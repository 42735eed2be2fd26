"""How topics, groups and users of a port are called, and how its topics are configured."""

from __future__ import annotations

from alchemesh_components.kafka_settings import Settings
from alchemesh_components.output_ports.kafka_topic.models import Args
from alchemesh_platform.catalog.consumer import Consumer
from alchemesh_platform.catalog.wiring import Wiring

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


def user_names(consumer: Consumer) -> tuple[str, ...]:
    """Users of the cluster that stand for a consumer: ``domain.product``, ``domain.team``, or an email."""
    if consumer.product is not None:
        return (_dotted(consumer.product),)
    return tuple(dict.fromkeys([*(_dotted(team) for team in consumer.teams), *consumer.users]))


def _dotted(address: str) -> str:
    return address.replace("/", ".")
