"""Gateways whose servers do not run: their configuration is written nevertheless."""

from __future__ import annotations

from pathlib import Path

from alchemesh_platform.systems.local.data_api.gateway.consumers import locked
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway, Listening, apply, listen, prepare
from alchemesh_platform.systems.local.data_api.gateway.issue import ensure_own_credentials


def written_gateway(run_directory: Path, process: str = "flights-table") -> Gateway:
    """A gateway that is configured and not started."""
    gateway = Gateway(run_directory, process)
    prepare(gateway)
    with locked(gateway.folder):
        ensure_own_credentials(gateway)
        listen(gateway, Listening("127.0.0.1", 8091, 5433, ("sql", "rest", "graphql")))
        apply(gateway)
    return gateway
