"""Connections to the NiFi of the session, and the provider spoken to as the engine does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alchemesh_platform.systems.nifi.server import Server
from parts.nifi import Nifi


@pytest.fixture
def server(nifi_server: Nifi) -> Server:
    """A connection to it."""
    return Server(nifi_server.url)


@pytest.fixture(scope="module", autouse=True)
def _cheap_digests() -> Iterator[None]:
    """What a guess of a secret costs is paid by each dataflow of these tests, too, and tested by none."""
    from alchemesh_platform.systems.nifi.flow import parameters

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(parameters._SCRYPT, "n", 2)
        yield
