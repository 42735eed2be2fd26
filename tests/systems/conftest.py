"""A connection to a provider, as the engine has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provider.wire import Wire, connected


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A provider with a registry of its own."""
    with connected(tmp_path) as found:
        yield found
