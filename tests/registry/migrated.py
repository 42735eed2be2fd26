"""An empty registry in a file: migrated once for a process, and copied for each test."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from alchemesh_platform.registry.store import Registry


def copy_registry(file: Path) -> None:
    """Create an empty registry of this software's version if there is none."""
    if not file.exists():
        shutil.copyfile(_empty(), file)


@cache
def _empty() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="alchemesh-registry-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "registry.db"
    Registry.open(f"sqlite:///{file}").close()
    return file
