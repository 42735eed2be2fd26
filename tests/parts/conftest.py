"""A broker for the tests of this folder."""

from __future__ import annotations

import pytest

from parts.kafka import Broker


@pytest.fixture
def kafka(kafka_server: Broker) -> Broker:
    """The broker, up."""
    if kafka_server.process is None:
        kafka_server.start()
    return kafka_server
