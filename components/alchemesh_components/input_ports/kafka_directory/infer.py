"""The schema that all landed messages of a port fit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from alchemesh_components.input_ports.kafka_directory.component import landing_folder
from alchemesh_components.input_ports.kafka_directory.models import Args, Settings
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.sdk.proposal import ProposedProperty
from alchemesh_platform.sdk.wiring import Wiring


class NothingLanded(Failure):
    """Raised when no message is landed, so that there is nothing to read."""


def infer(args: Args, settings: Settings, wiring: Wiring) -> Sequence[ProposedProperty]:
    """Read all landed files, and propose a schema."""
    from alchemesh_platform.systems.kafka.landing.landing import write_messages
    from alchemesh_platform.systems.local.landing.infer import infer as infer_files
    from alchemesh_platform.systems.local.landing.reading import Reading

    folder = landing_folder(settings, wiring)
    if not any(folder.glob("*.parquet")):
        raise NothingLanded(
            f"no message of {args.topic} is landed in {folder}",
            hint=remedy("deploy the port without a schema first: {}", command("up")),
        )
    reading = Reading(
        format="json",
        date_format=args.date_format,
        timestamp_format=args.timestamp_format,
        time_zone=args.time_zone,
        on_ambiguous_time=args.on_ambiguous_time,
    )
    with tempfile.TemporaryDirectory(prefix="alchemesh-infer-") as name:
        write_messages(folder, Path(name, "messages.json"))
        return infer_files("messages.json", Path(name), reading)
