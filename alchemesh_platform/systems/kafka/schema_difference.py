"""The difference between the published schema of a topic and that of a model. No side effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def schema_difference(published: Mapping[str, Any] | None, known: Mapping[str, Any]) -> str:
    """The first difference in words; empty if there is none.

    Args:
        published: The published schema; None if none is published.
        known: The schema of the model.
    """
    if published is None:
        return "none is published"
    if published == known:
        return ""
    there, here = published.get("properties", {}), known.get("properties", {})
    for name in (*here, *there):
        if name not in there:
            return f"it has no property {name}"
        if name not in here:
            return f"it has a property {name}, which the model has not"
        if there[name] != here[name]:
            return f"property {name} is another there"
    return "the required properties or the key are others"
