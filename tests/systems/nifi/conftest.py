"""Connections to the NiFi of the session, and to the provider as the engine has it."""

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
    """Each dataflow of these tests would pay the cost of guessing a secret, and none tests it."""
    from alchemesh_platform.systems.nifi.flow import parameters

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(parameters._SCRYPT, "n", 2)
        yield
