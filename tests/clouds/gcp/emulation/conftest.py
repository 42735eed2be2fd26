"""Emulators that the tests of a module share, and a fresh stack on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.engine.install.find import Engine

from .harness import Bench, bench_on

# The fast lane reads this file, and has no test that needs a client.
if TYPE_CHECKING:
    import httpx

    from tests.clouds.gcp.emulation.cloud_run.running import CloudServing


@pytest.fixture
def bench(tmp_path: Path, engine: Engine, emulators: Emulators) -> Iterator[Bench]:
    """A fresh stack with an empty cloud."""
    with bench_on(tmp_path, engine, emulators) as made:
        yield made


@pytest.fixture(scope="module")
def previewing(tmp_path_factory: pytest.TempPathFactory, engine: Engine, emulators: Emulators) -> Iterator[Bench]:
    """A stack for tests that only preview: they share it."""
    with bench_on(tmp_path_factory.mktemp("previewing"), engine, emulators) as made:
        yield made


@pytest.fixture(scope="session")
def cloud_api(emulators: Emulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServing]:
    """The data API on the emulated Cloud Run."""
    from tests.clouds.gcp.emulation.cloud_run.running import served

    with served(tmp_path_factory.mktemp("cloud-run"), emulators) as service:
        yield service


@pytest.fixture(scope="session")
def data_api(cloud_api: CloudServing) -> CloudServing:
    """The data API, by the name that the tests of the local one use."""
    return cloud_api


@pytest.fixture
def client(cloud_api: CloudServing) -> Iterator[httpx.Client]:
    """A client with the identity token of a consumer."""
    with cloud_api.client() as client:
        yield client
