"""Product repos to deploy, taken down afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.engine.discover import Engine

from .harness import Shop, write_shop


@pytest.fixture(autouse=True)
def _needs_the_engine(engine: Engine) -> None:
    """Every test here runs the real engine."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A product repo; whatever it brought up is stopped in the end."""
    made = write_shop(tmp_path / "orders", tmp_path / "home")
    yield made
    made.take_down()
