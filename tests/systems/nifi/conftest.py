"""Connections to the NiFi of the session, and the provider spoken to as the engine does."""

from __future__ import annotations

import pytest

from alchemesh_platform.systems.nifi.server import Server
from parts.nifi import Nifi


@pytest.fixture
def server(nifi_server: Nifi) -> Server:
    """A connection to it."""
    return Server(nifi_server.url)
