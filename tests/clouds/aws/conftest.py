"""The emulated AWS that these tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .emulation.harness import Cloud

if TYPE_CHECKING:
    from alchemesh_platform.clouds.aws.emulation.servers.services import MiniStack


@pytest.fixture
def cloud(amazon: MiniStack) -> Iterator[Cloud]:
    """The emulated cloud. Each test takes names of its own."""
    from alchemesh_platform.clouds.aws.emulation.provider import EmulatedAws

    provider = EmulatedAws(amazon)
    try:
        yield Cloud(amazon, provider)
    finally:
        provider.close()
