"""The health of streams of Kinesis. The service counts no messages, so an empty stream is healthy."""

from __future__ import annotations

import os
from collections.abc import Mapping

from alchemesh_components.aws.observing import observed
from alchemesh_platform.connections import TopicConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: TopicConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Whether each stream exists and is active.

    Args:
        connection: The streams.
        environ: Names the emulated AWS, if one is used.
    """
    from alchemesh_platform.clouds.aws.services import service_of

    def look() -> Observation:
        kinesis = service_of("kinesis", environ)
        for name in connection.topics.values():
            status = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"]
            if status not in {"ACTIVE", "UPDATING"}:
                return Observation("unhealthy", f"stream {name} is {status.lower()}")
        return Observation("healthy")

    return observed("the streams", look)
