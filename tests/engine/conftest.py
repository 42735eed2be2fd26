"""Stacks to run the engine on, and machines to search for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.engine.install.find import Engine
from tests.engine.install.machine import Machine

from .harness import Bench, bench_in


@pytest.fixture
def bench(tmp_path: Path, engine: Engine) -> Iterator[Bench]:
    """A fresh stack."""
    with bench_in(tmp_path, engine) as made:
        yield made


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without an engine."""
    return Machine(tmp_path)
