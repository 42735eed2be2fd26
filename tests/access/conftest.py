"""The databases of the registry's tests, and a mesh with ports that consumers can request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from alchemesh_platform.registry.store import Registry
from tests.access.airport import Airport, record_airport
from tests.registry.conftest import environment, fresh_url, registry_url

__all__ = ["environment", "fresh_url", "registry_url"]


@pytest.fixture(scope="module")
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url) as opened:
        yield opened


class Clock:
    """A clock that a test advances."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def airport(registry: Registry, environment: str, clock: Clock) -> Airport:
    """The mesh of the examples, with one port of each access type."""
    record_airport(registry, environment)
    return Airport(registry, environment, clock)
