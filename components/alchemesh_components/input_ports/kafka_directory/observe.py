"""How a consumer and what it lands are doing."""

from __future__ import annotations

import time

from alchemesh_platform.catalog.observation import Observation
from alchemesh_platform.connections import FilesConnection


def observe(connection: FilesConnection) -> Observation:
    """Rows, lag, dead letters and the last file, as the consumer itself tells."""
    from alchemesh_platform.kafka.ingestion import observe_ingestion

    return observe_ingestion(connection.path, now=time.time())
