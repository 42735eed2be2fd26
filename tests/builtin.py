"""The components of this project, discovered from their declaration, also without an installation."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from alchemesh_platform.base.packages.installed import EntryPoint
from alchemesh_platform.catalog.discover import GROUP, Catalog, catalog_of

ROOT = Path(__file__).parent.parent


@cache
def builtin_catalog() -> Catalog:
    """The catalogue that ``pyproject.toml`` declares."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    return catalog_of(EntryPoint(name, value, "alchemesh-platform") for name, value in declared.items())
