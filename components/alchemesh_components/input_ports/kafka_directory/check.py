"""Checks of kafka-directory before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.input_ports.kafka_directory.models import Args, Settings
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.kafka.client.topics import name_problem
from alchemesh_platform.systems.kafka.landing.batch import OWN


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that Kafka allows the topic's name, and that no declared column has a name of the landing's own."""
    if (wrong := name_problem(args.topic)) is not None:
        yield Objection(f"found topic {args.topic[:60]!r}, {wrong}", at="args", path=("topic",))
    for name in wiring.schema or {}:
        if name.lower() in OWN:
            yield Objection(
                f"found the column {name!r} in the schema, which is the landing's own",
                hint="give it another name, and set `column` to its name in the messages",
            )
