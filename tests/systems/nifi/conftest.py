"""Connections to the NiFis of the session, and to the provider as the engine has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alchemesh_platform.systems.nifi.server import Server
from parts.nifi import Nifi


@pytest.fixture
def real_nifi(request: pytest.FixtureRequest) -> Nifi:
    """A NiFi over HTTP without a login: 1.18, or under ``both_releases`` 2.3 too."""
    found: Nifi = request.getfixturevalue(getattr(request, "param", "nifi_server"))
    return found


@pytest.fixture
def secured(request: pytest.FixtureRequest) -> Nifi:
    """A NiFi that speaks TLS and wants a login: 1.18, or under ``both_secured`` 2.3 too."""
    found: Nifi = request.getfixturevalue(getattr(request, "param", "secured_nifi_server"))
    return found


@pytest.fixture
def server(real_nifi: Nifi) -> Server:
    """A connection to it."""
    return Server(real_nifi.url)


@pytest.fixture(scope="module", autouse=True)
def _cheap_digests() -> Iterator[None]:
    """Each dataflow of these tests would pay the cost of guessing a secret, and none tests it."""
    from alchemesh_platform.systems.nifi.flow import parameters

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(parameters._SCRYPT, "n", 2)
        yield
