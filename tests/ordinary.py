"""A user without root's rights, and a folder that such a user cannot write."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Root may write everywhere: as root, switch to the user nobody for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A read-only folder that every user may enter; not in pytest's, which only its user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="alchemesh-closed-"))
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)
