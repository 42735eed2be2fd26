"""Checks of kinesis-stream before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.checks import key_in_region
from alchemesh_components.aws.settings import Settings
from alchemesh_components.output_ports.kinesis_stream.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the key is in the region of the streams."""
    yield from key_in_region(settings.aws.encryption_keys.kinesis, settings.aws, "streams")
