"""The values of a message of JSON, with the types of a model where they have their form. No side effects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from alchemesh_platform.manifest.models import LogicalType, Property


def message_row(message: bytes, properties: Mapping[str, Property]) -> Mapping[str, Any] | None:
    """The values of a message by property; None if it has no JSON object.

    A date or moment in the form of the published schema becomes one. Other values stay as they are.

    Args:
        message: The message.
        properties: The properties of the model.
    """
    try:
        found = json.loads(message, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {name: _typed(found.get(name), declared) for name, declared in properties.items()}


def _typed(value: Any, declared: Property) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            if declared.type is LogicalType.DATE:
                return date.fromisoformat(value)
            if declared.type is LogicalType.TIMESTAMP:
                return datetime.fromisoformat(value)
    if isinstance(value, Decimal) and declared.precision is None and declared.type is LogicalType.NUMBER:
        return float(value)  # 0.1 is written as every program writes it
    if isinstance(value, Mapping) and declared.properties:
        return {name: _typed(value.get(name), part) for name, part in declared.properties.items()}
    if isinstance(value, list) and declared.items is not None:
        return [_typed(each, declared.items) for each in value]
    return value
