"""Real servers, each started once for the tests of a worker that need it.

Each test uses its own database, topic or name. It may kill and restart the server, which keeps its data. The
tests of one server run in one worker, see ``tests/order.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.needs import need_java, need_kestra, need_nifi_2

if TYPE_CHECKING:
    from alchemesh_platform.clouds.aws.emulation.servers.services import MiniStack
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
    from parts.kafka import Broker
    from parts.kestra import Kestra
    from parts.nifi import Nifi
    from parts.postgresql import PostgresqlServer

__all__ = [
    "amazon",
    "emulators",
    "kafka_server",
    "kestra_server",
    "nifi_2_server",
    "nifi_server",
    "postgresql",
    "secured_nifi_2_server",
    "secured_nifi_server",
]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """PostgreSQL without a test's database."""
    from parts.postgresql import running_postgresql

    with running_postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    """Emulators of Google Cloud with nothing in them at first."""
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators

    made = Emulators(tmp_path_factory.mktemp("emulators"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """The emulator of AWS with nothing in it at first. It starts when a test needs it."""
    from alchemesh_platform.clouds.aws.emulation.servers.services import MiniStack

    made = MiniStack(tmp_path_factory.mktemp("amazon") / "aws")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[Broker]:
    """A broker with no topic and no user but its administrator at first."""
    from parts.kafka import broker

    need_java()
    with broker() as running:
        yield running


@pytest.fixture(scope="session")
def kestra_server() -> Iterator[Kestra]:
    """A Kestra without a login, with one secret for flows: ``FLIGHTS_TOKEN``."""
    from parts.kestra import kestra

    need_kestra()
    with kestra(secret_values={"FLIGHTS_TOKEN": "token-of-flights"}) as running:
        yield running


@pytest.fixture(scope="session")
def nifi_server() -> Iterator[Nifi]:
    """A NiFi 1 over HTTP without a login."""
    from parts.nifi import nifi

    need_java()
    with nifi() as running:
        yield running


@pytest.fixture(scope="session")
def secured_nifi_server() -> Iterator[Nifi]:
    """A NiFi 1 that speaks TLS and wants a login."""
    from parts.nifi import nifi

    need_java()
    with nifi(secured=True) as running:
        yield running


@pytest.fixture(scope="session")
def nifi_2_server() -> Iterator[Nifi]:
    """A NiFi 2 over HTTP without a login."""
    from parts.nifi import TWO, nifi

    need_nifi_2()
    with nifi(TWO) as running:
        yield running


@pytest.fixture(scope="session")
def secured_nifi_2_server() -> Iterator[Nifi]:
    """A NiFi 2 that speaks TLS and wants a login."""
    from parts.nifi import TWO, nifi

    need_nifi_2()
    with nifi(TWO, secured=True) as running:
        yield running
