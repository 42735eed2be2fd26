"""References to Python objects: text that names an object without importing it."""

from __future__ import annotations

import importlib


def load_reference(reference: str) -> object:
    """Import the object that ``"module:Name"`` names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
