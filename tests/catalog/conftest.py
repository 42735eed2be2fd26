"""Packages that tests of the catalogue install are not imported in later tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """Forget the modules of installed test packages: another test's package may have the same name."""
    yield
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]
