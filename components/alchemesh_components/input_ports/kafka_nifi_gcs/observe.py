"""The health of a dataflow from Kafka into a bucket."""

from __future__ import annotations

import os
from collections.abc import Mapping

from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.observation import Observation


def observe(connection: FilesConnection, environ: Mapping[str, str] = os.environ) -> Observation:
    """Whether the whole dataflow runs without errors, according to NiFi, and its bucket exists.

    Args:
        connection: The bucket and its dataflow.
        environ: Names the emulator of Cloud Storage, if one is used.
    """
    from alchemesh_components.infrastructure.gcs_bucket.observe import observe as observe_bucket
    from alchemesh_platform.base.failure import Failure
    from alchemesh_platform.systems.nifi.connections import DataflowConnection
    from alchemesh_platform.systems.nifi.health import health
    from alchemesh_platform.systems.nifi.server import Login, Server

    if connection.fed_by is None:
        return Observation("unknown", "where its dataflow runs is not recorded")
    fed_by = DataflowConnection.model_validate(connection.fed_by)
    try:
        found = health(Server(fed_by.server, Login.model_validate(fed_by.login)), fed_by.group)
    except Failure as error:
        return Observation("unknown", error.message)
    if found is None:
        return Observation("unhealthy", f"its dataflow is gone from {fed_by.server}")
    if not found.ok:
        return Observation("unhealthy", str(found))
    bucket = observe_bucket(connection, environ)
    if bucket.health == "unhealthy":  # the dataflow notices it with the next file only
        return bucket
    return Observation("healthy", str(found))
