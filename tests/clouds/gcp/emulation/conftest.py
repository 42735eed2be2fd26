"""Emulators that the tests of a module share, and a fresh stack on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.engine.install.find import Engine

from .harness import Bench, bench_on


@pytest.fixture
def bench(tmp_path: Path, engine: Engine, emulators: Emulators) -> Iterator[Bench]:
    """A fresh stack with an empty cloud."""
    with bench_on(tmp_path, engine, emulators) as made:
        yield made
