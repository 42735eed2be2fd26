"""A real broker for the tests of this folder, and the provider spoken to as the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from parts.kafka import Broker, broker
from tests.needs import need_java
from tests.provider.wire import Wire, connected

PASSWORD = "KAFKA_PASSWORD"


@pytest.fixture(scope="session")
def running() -> Iterator[Broker]:
    need_java()
    with broker() as made:
        yield made


@pytest.fixture
def kafka(running: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The broker, up, with its administrator's password where a reference to it leads."""
    if running.process is None:
        running.start()
    monkeypatch.setenv(PASSWORD, running.password)
    return running


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with connected(tmp_path) as found:
        yield found
