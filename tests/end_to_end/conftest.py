"""Product repos to deploy, destroyed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.engine.install.find import Engine
from parts.kafka import Broker
from tests.end_to_end.faults.faulty import Mesh, mesh_in

from .harness import TABLE_ALONE, Shop, write_shop

TOPIC = "till.sales"


@pytest.fixture(autouse=True)
def _needs_the_engine(engine: Engine) -> None:
    """Every test here runs the real engine."""


@pytest.fixture
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A product repo with a table and code; a test may ask for another manifest. Its processes are stopped."""
    made = write_shop(tmp_path / "orders", tmp_path / "home", getattr(request, "param", TABLE_ALONE))
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def kafka(kafka_server: Broker) -> Broker:
    """The broker, up, with the topic that products of these tests read."""
    if kafka_server.process is None:
        kafka_server.start()
    if TOPIC not in kafka_server.admin().list_topics(timeout=60).topics:
        kafka_server.create_topic(TOPIC)
    return kafka_server


@pytest.fixture(scope="module")
def mesh(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A home with an emulated cloud, which the products of a file share."""
    with mesh_in(tmp_path_factory.mktemp("mesh"), kafka) as made:
        yield made
