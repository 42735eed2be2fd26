"""Connections to the NiFi of the session, and the provider spoken to as the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.systems.nifi.server import Server
from parts.nifi import Nifi
from tests.provider.wire import Wire, connected


@pytest.fixture
def server(nifi_server: Nifi) -> Server:
    """A connection to it."""
    return Server(nifi_server.url)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A provider to speak to."""
    with connected(tmp_path) as found:
        yield found
