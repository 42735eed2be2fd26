"""Checks of pubsub-ingestion before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.checks import key_in_reach, project_number_known
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.input_ports.pubsub_ingestion.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the service agent is known, and that the key is in the location of the bucket."""
    yield from project_number_known(settings.gcp, "the agent of Pub/Sub")
    yield from key_in_reach(settings.gcp.encryption_keys.storage, settings.gcp.region, "buckets")
    if wiring.schema is not None and args.format == "avro":
        yield Objection(
            "found 'avro', and a schema is enforced for messages of JSON only",
            at="args",
            path=("format",),
            hint="set `format: json`, or remove the `schema` of the port",
        )
