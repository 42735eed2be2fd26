"""Paths of properties, as the engine writes them: ``tags.team``, ``columns[2].name``, ``labels["a.b"]``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Source: pulumi sdk/go/common/resource/property_path.go (ParsePropertyPath)
_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


def at_path(value: Any, path: str) -> Any:
    """The value at a path; None if the path does not exist."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return None
        position = step.end()
        key, index, quoted = step.groups()
        if index is not None:
            found = int(index)
            value = (
                value[found]
                if isinstance(value, Sequence) and not isinstance(value, str) and found < len(value)
                else None
            )
        else:
            name = key if key is not None else quoted.replace('\\"', '"')
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None:
            return None
    return value
