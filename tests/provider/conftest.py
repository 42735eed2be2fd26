"""A connection to a provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .wire import Wire, connected


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A provider with a registry of its own."""
    with connected(tmp_path) as found:
        yield found
