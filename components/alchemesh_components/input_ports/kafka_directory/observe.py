"""The health of a consumer and of its landed files."""

from __future__ import annotations

import time

from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: FilesConnection) -> Observation:
    """Rows, lag, dead letters and the last file, from the consumer's own status."""
    from alchemesh_platform.systems.kafka.landing.ingestion import observe_ingestion

    return observe_ingestion(connection.path, now=time.time())
