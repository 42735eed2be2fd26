"""The home of the products of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .repo import shared_home


@pytest.fixture(scope="session", autouse=True)
def home_of_repos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Emulators take seconds to start: the repos of a worker share them, one after the other."""
    with shared_home(tmp_path_factory.mktemp("cloud") / "home"):
        yield
