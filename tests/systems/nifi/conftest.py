"""One NiFi for the tests of a worker: a start takes its time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.systems.nifi.server import Server
from parts.nifi import Nifi, nifi
from tests.needs import need_java
from tests.provider.wire import Wire, connected


@pytest.fixture(scope="session")
def nifi_server() -> Iterator[Nifi]:
    need_java()
    with nifi() as running:
        yield running


@pytest.fixture
def server(nifi_server: Nifi) -> Server:
    """A connection to it."""
    return Server(nifi_server.url)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A provider to speak to."""
    with connected(tmp_path) as found:
        yield found
