"""The same tests on both databases: SQLite, and the real PostgreSQL of the session."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.registry.store import Registry
from parts.postgresql import PostgresqlServer

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow("it uses a server"))]


@pytest.fixture(scope="module", params=DATABASES)
def registry_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a registry that the tests of one module share; each test uses its own environment."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('registry') / 'registry.db'}"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.url(server.create_database())


@pytest.fixture(scope="module")
def registry(registry_url: str) -> Iterator[Registry]:
    """The registry of a module's tests, on each database; each test writes to its own ``environment``."""
    with Registry.open(registry_url) as opened:
        yield opened


@pytest.fixture(params=DATABASES)
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a registry that does not exist yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.db'}"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.url(server.create_database())


@pytest.fixture
def environment() -> str:
    """An environment that no other test uses: records are history, and cannot be deleted."""
    return f"env-{uuid.uuid4().hex[:12]}"
