"""How a consumer and what it lands are doing."""

from __future__ import annotations

import time

from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: FilesConnection) -> Observation:
    """Rows, lag, dead letters and the last file, as the consumer itself tells."""
    from alchemesh_platform.systems.kafka.landing.ingestion import observe_ingestion

    return observe_ingestion(connection.path, now=time.time())
