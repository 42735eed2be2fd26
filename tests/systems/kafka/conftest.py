"""The real broker of the session."""

from __future__ import annotations

import pytest

from parts.kafka import Broker

PASSWORD = "KAFKA_PASSWORD"


@pytest.fixture
def kafka(kafka_server: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The running broker, with its administrator's password at the reference to it."""
    if kafka_server.process is None:
        kafka_server.start()
    monkeypatch.setenv(PASSWORD, kafka_server.password)
    return kafka_server
