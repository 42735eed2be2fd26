"""Stacks to run the engine on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.engine.discover import Engine

from .harness import Bench, bench_in


@pytest.fixture
def bench(tmp_path: Path, engine: Engine) -> Iterator[Bench]:
    """A fresh stack."""
    with bench_in(tmp_path, engine) as made:
        yield made
