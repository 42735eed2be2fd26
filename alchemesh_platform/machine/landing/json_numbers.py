"""Numbers of JSON that do not fit 64 bits. They are landed as text, so that no digit is lost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

INTEGERS = range(-(2**63), 2**63)
EXACT_IN_A_DOUBLE = 2**53

Place = tuple[str, ...]


class Real(str):
    """The text of a number with a fraction or an exponent, which a double holds."""

    __slots__ = ()


class LongNumber(str):
    """The text of a number that does not fit 64 bits."""

    __slots__ = ()


def exact(found: Any, large: set[Place], place: Place = ()) -> Any:
    """A value of JSON in which numbers that do not fit 64 bits are texts.

    Args:
        found: The value, read with ``parse_float=Real``.
        large: Receives the places of integers that a floating-point number would change.
        place: The place of the value.
    """
    if isinstance(found, dict):
        return {key: exact(value, large, (*place, key)) for key, value in found.items()}
    if isinstance(found, list):
        return [exact(value, large, (*place, "[]")) for value in found]
    if isinstance(found, Real):
        return found if Decimal(found) == Decimal(repr(float(found))) else LongNumber(found)
    if isinstance(found, int) and not isinstance(found, bool):
        if found not in INTEGERS:
            return LongNumber(found)
        if abs(found) > EXACT_IN_A_DOUBLE:
            large.add(place)
    return found


def exact_text(value: Any) -> str:
    """An exact value as JSON without spaces. A number keeps its spelling, such as ``1.10``."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(key, ensure_ascii=False)}:{exact_text(v)}' for key, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(exact_text, value))}]"
    return str(value) if isinstance(value, Real) else json.dumps(value, ensure_ascii=False)
