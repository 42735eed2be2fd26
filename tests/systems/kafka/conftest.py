"""The real broker of the session."""

from __future__ import annotations

import pytest

from parts.kafka import Broker

PASSWORD = "KAFKA_PASSWORD"


@pytest.fixture
def kafka(kafka_server: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The broker, up, with its administrator's password where a reference to it leads."""
    if kafka_server.process is None:
        kafka_server.start()
    monkeypatch.setenv(PASSWORD, kafka_server.password)
    return kafka_server
