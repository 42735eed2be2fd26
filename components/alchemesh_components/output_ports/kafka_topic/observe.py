"""The health of topics."""

from __future__ import annotations

from datetime import UTC, datetime

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.connections import TopicConnection
from alchemesh_platform.sdk.observation import Observation, TableObservation

ANSWER_SECONDS = 8.0  # below the time limit of observed/observing.py; a busy broker takes a few seconds


def observe(connection: TopicConnection) -> Observation:
    """The number of messages of each topic and the time of the last one. An unreachable cluster is *unknown*."""
    from alchemesh_platform.systems.kafka.client.cluster import Cluster
    from alchemesh_platform.systems.kafka.client.topics import messages_in, topic_of

    tables: dict[str, TableObservation] = {}
    gone = []
    try:
        cluster = Cluster(connection.access, seconds=ANSWER_SECONDS)
        for model, name in connection.topics.items():
            topic = topic_of(cluster, name)
            if topic is None:
                gone.append(name)
                continue
            held, last = messages_in(cluster, topic)
            tables[model] = TableObservation(held, None, datetime.fromtimestamp(last / 1000, UTC) if last else None)
    except Failure as failure:
        return Observation("unknown", failure.message)
    if gone:
        return Observation("unhealthy", f"no topic {', '.join(gone)}", tables)
    return Observation("healthy", "", tables)
