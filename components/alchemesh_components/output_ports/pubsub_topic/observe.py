"""The health of topics of Pub/Sub. The service counts no messages, so an empty topic is healthy."""

from __future__ import annotations

import os
from collections.abc import Mapping

from alchemesh_components.gcp.observing import observed
from alchemesh_platform.connections import TopicConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: TopicConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Whether each topic exists.

    Args:
        connection: The topics.
        environ: Names the emulated cloud, if one is used.
    """
    from alchemesh_platform.clouds.gcp.objects.services import topic_exists

    def look() -> Observation:
        gone = [name for name in connection.topics.values() if not topic_exists(name, environ)]
        return Observation("unhealthy", f"no topic {', '.join(gone)}") if gone else Observation("healthy")

    return observed("the topics", look)
