"""Checks of kafka-topic before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.kafka.settings import Settings
from alchemesh_components.output_ports.kafka_topic.models import Args
from alchemesh_components.output_ports.kafka_topic.names import OWN_CONFIG, topic_name
from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.kafka.client.topics import name_problem


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the names of topics, one for each model of the port, and that options with an argument use it."""
    for name in args.topics:
        if name not in wiring.models:
            hint = did_you_mean(name, list(wiring.models))
            yield Objection(
                f"found {name!r}, expected a model of the port", at="args", path=("topics", name), hint=hint
            )
    seen: dict[str, str] = {}
    for model in wiring.models:
        topic = topic_name(args, settings, wiring, model)
        given = model in args.topics
        if (wrong := name_problem(topic)) is not None:
            yield Objection(
                f"found topic {_short(topic)}, {wrong}",
                at="args" if given else "name",
                path=("topics", model) if given else (),
                hint=f"name it yourself: storage.args.topics.{model}" if not given else None,
            )
        elif topic in seen:
            yield Objection(
                f"found topic {topic!r} for {model} and for {seen[topic]}, expected one for each model",
                at="args",
                path=("topics",),
            )
        seen.setdefault(topic, model)
    for key in sorted(args.config.keys() & OWN_CONFIG.keys()):
        yield Objection(f"found {key!r}, expected the argument {OWN_CONFIG[key]!r}", at="args", path=("config", key))


def _short(topic: str) -> str:
    return repr(topic if len(topic) <= 60 else f"{topic[:57]}…")  # noqa: PLR2004 a line of a terminal
