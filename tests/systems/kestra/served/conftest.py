"""Clients of the Kestra of the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alchemesh_platform.systems.kestra.client import Kestra, Place
from parts.kestra import Kestra as Server


@pytest.fixture
def client(kestra_server: Server) -> Iterator[Kestra]:
    """A client without a login."""
    made = Kestra(Place(address=kestra_server.url), {})
    try:
        yield made
    finally:
        made.close()
