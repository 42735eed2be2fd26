"""Imports the spec of a component, and returns it with the files that it comes from. Runs apart (`apart.py`)."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.sdk.spec import ComponentSpec

_before: set[str] = set()  # names of the modules that earlier calls imported


def imported_spec(asked: tuple[str, list[str]]) -> dict[str, Any]:
    """The fields of a spec, and the files that it may depend on. When none of them changes, the spec is the same.

    Args:
        asked: The reference of the spec, and those of other specs of the same process.

    Returns:
        ``spec`` and ``files``; or ``refused``, the reason why the object is no spec.
    """
    reference, others = asked
    _before.update(sys.modules)
    loaded = load_reference(reference)
    if not isinstance(loaded, ComponentSpec):
        return {"refused": f"is a {type(loaded).__name__}, expected a ComponentSpec"}
    spec = {field.name: getattr(loaded, field.name) for field in fields(ComponentSpec)}
    return {"spec": spec, "files": _files(reference, others)}


def _files(reference: str, others: Collection[str]) -> list[str]:
    """The imported files of a reference's package, and new ones in a working folder."""
    top = _module(reference).partition(".")[0]
    apart = {_module(other) for other in others} - {_module(reference)}
    found = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        own = name.partition(".")[0] == top and name not in apart
        if isinstance(file, str) and (own or (name not in _before and _is_in_work(file))):
            found.add(file)
    return sorted(found)


def _module(reference: str) -> str:
    return reference.partition(":")[0]


def _is_in_work(file: str) -> bool:
    """Whether a file is neither installed nor a part of Python or of this platform."""
    platform = str(Path(__file__).parent.parent.parent)
    return "site-packages" not in file and not file.startswith((sys.prefix, sys.base_prefix, platform))
