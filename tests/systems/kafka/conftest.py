"""The real broker of the session, and the provider spoken to as the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from parts.kafka import Broker
from tests.provider.wire import Wire, connected

PASSWORD = "KAFKA_PASSWORD"


@pytest.fixture
def kafka(kafka_server: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The broker, up, with its administrator's password where a reference to it leads."""
    if kafka_server.process is None:
        kafka_server.start()
    monkeypatch.setenv(PASSWORD, kafka_server.password)
    return kafka_server


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with connected(tmp_path) as found:
        yield found
