"""The schema that all files of a port fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from alchemesh_components.input_ports.local_files.models import Args
from alchemesh_components.local.settings import Settings
from alchemesh_platform.sdk.proposal import ProposedProperty
from alchemesh_platform.sdk.wiring import Wiring


def infer(args: Args, settings: Settings, wiring: Wiring) -> Sequence[ProposedProperty]:
    """Read all files, and propose a schema."""
    from alchemesh_platform.systems.local.landing.infer import infer as infer_files
    from alchemesh_platform.systems.local.landing.reading import Reading

    known = {field.name for field in fields(Reading)}
    reading = Reading(**{name: value for name, value in args.model_dump().items() if name in known})
    return infer_files(args.path, Path(wiring.product_root).absolute(), reading)
