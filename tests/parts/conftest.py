"""A broker for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from parts.kafka import Broker, broker
from tests.needs import need_java


@pytest.fixture(scope="module")
def kafka() -> Iterator[Broker]:
    need_java()
    with broker() as running:
        yield running
