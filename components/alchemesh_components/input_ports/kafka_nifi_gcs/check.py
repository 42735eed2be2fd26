"""Checks of kafka-nifi-gcs before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.checks import key_in_reach, whole_days
from alchemesh_components.input_ports.kafka_nifi_gcs.models import Args, Settings
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check for separate folders of events and failures, whole days, and a key in the location of the bucket."""
    if args.topic in (".", ".."):  # org.apache.kafka.common.internals.Topic
        yield Objection(f"found {args.topic!r}, which Kafka does not take as a name", at="args", path=("topic",))
    if args.dead_letter.split("/")[0] == args.topic:
        yield Objection(
            f"found {args.dead_letter!r}, which is in the folder of the topic's own files",
            at="args",
            path=("dead_letter",),
            hint="leave it out: the default is 'dead-letter'",
        )
    yield from whole_days(args.retention, "retention")
    yield from whole_days(args.old_versions, "old_versions")
    yield from key_in_reach(settings.gcp.encryption_keys.storage, settings.gcp.region, "buckets")
    if wiring.schema is not None and args.format == "text":
        yield Objection(
            "found 'text', and a schema is enforced for messages of JSON only",
            at="args",
            path=("format",),
            hint="set `format: json`, or remove the `schema` of the port",
        )
