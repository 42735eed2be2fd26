"""Numbers of JSON in columns that are declared as text: they keep the spelling of their source."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.machine.landing.json_numbers import Real
from alchemesh_platform.manifest.models import LogicalType, SourceProperty

_NUMERIC = {LogicalType.INTEGER, LogicalType.NUMBER, LogicalType.BOOLEAN}


def spelt(value: Any, declared: SourceProperty | None) -> Any:
    """An exact value of JSON in which fractions at places of text are texts, such as ``1.10`` and ``1E5``.

    Args:
        value: The value.
        declared: Its property; None if it has none.
    """
    if declared is None:
        return value
    if isinstance(value, dict) and declared.type is LogicalType.OBJECT:
        parts = {part.column or name: part for name, part in (declared.properties or {}).items()}
        return {name: spelt(part, parts.get(name)) for name, part in value.items()}
    if isinstance(value, list) and declared.type is LogicalType.ARRAY:
        items = declared.items or SourceProperty(type=LogicalType.STRING)
        return [spelt(part, items) for part in value]
    return str(value) if isinstance(value, Real) and declared.type not in _NUMERIC else value


def holds_text(declared: SourceProperty) -> bool:
    """Whether a value of the property has places of text."""
    if declared.type is LogicalType.OBJECT:
        return any(holds_text(part) for part in (declared.properties or {}).values())
    if declared.type is LogicalType.ARRAY:
        return declared.items is None or holds_text(declared.items)
    return declared.type not in _NUMERIC
