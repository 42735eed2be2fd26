"""Numbers of JSON that do not fit 64 bits. They are landed as text, so that no digit is lost."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from alchemesh_platform.systems.local.landing.parse_errors import opened

INTEGERS = range(-(2**63), 2**63)
_EXACT_IN_A_DOUBLE = 2**53
_LONG = re.compile(rb"[0-9][0-9.]{15}|[eE][-+]?[0-9]{3}")  # only such numbers can lose digits, or their size

Place = tuple[str, ...]


def exact_numbers(readable: Path, staging: Path) -> tuple[Path, frozenset[Place]]:
    """A JSON lines file in which numbers that do not fit 64 bits are texts, and the places of large integers.

    Args:
        readable: The file.
        staging: Folder for a changed copy. Without such numbers there is no copy.

    Returns:
        The file to read, and the places of integers that a floating-point number would change.
    """
    with opened(readable) as file:
        if not any(_LONG.search(raw) for raw in file):
            return readable, frozenset()
    large: set[Place] = set()
    copy = staging / "exact.json"
    with opened(readable) as file, copy.open("wb") as to:
        for raw in file:
            to.write(_exact(raw, large) if _LONG.search(raw) else raw)
    return copy, frozenset(large)


def _exact(raw: bytes, large: set[Place]) -> bytes:
    try:
        exact = _walk(json.loads(raw, parse_float=_Real), (), large)
        return json.dumps(exact, ensure_ascii=False).encode() + b"\n"
    except (ValueError, RecursionError):
        return raw  # no JSON: the error is reported when the line is read


class _Real(str):
    """The text of a number with a fraction or an exponent."""

    __slots__ = ()


def _walk(found: Any, place: Place, large: set[Place]) -> Any:
    if isinstance(found, dict):
        return {key: _walk(value, (*place, key), large) for key, value in found.items()}
    if isinstance(found, list):
        return [_walk(value, (*place, "[]"), large) for value in found]
    if isinstance(found, _Real):
        value = float(found)
        return value if Decimal(found) == Decimal(repr(value)) else str(found)
    if isinstance(found, int) and not isinstance(found, bool):
        if found not in INTEGERS:
            return str(found)
        if abs(found) > _EXACT_IN_A_DOUBLE:
            large.add(place)
    return found
