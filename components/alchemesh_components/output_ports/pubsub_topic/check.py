"""Checks of pubsub-topic before a deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator

from alchemesh_components.gcp.checks import key_in_reach
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.output_ports.pubsub_topic.models import Args
from alchemesh_platform.clouds.gcp.avro import avro_schema
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring

SCHEMA_BYTES_MAX = 300 * 1024  # https://cloud.google.com/pubsub/quotas#resource_limits


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that schemas are not too large, and that the key is in the location of the topics."""
    for name, model in wiring.models.items():
        size = len(json.dumps(avro_schema(name, model)).encode())
        if size > SCHEMA_BYTES_MAX:
            yield Objection(
                f"found a schema of {size:,} bytes, expected at most {SCHEMA_BYTES_MAX:,}",
                at="models",
                path=(name,),
                hint="shorter descriptions make it smaller",
            )
    yield from key_in_reach(settings.gcp.encryption_keys.pubsub, settings.gcp.region, "topics")
