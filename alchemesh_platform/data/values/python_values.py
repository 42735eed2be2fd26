"""Dictionaries of Python as record batches of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from re import ASCII, fullmatch
from typing import Any

import pyarrow as pa

from alchemesh_platform.data.errors import shown
from alchemesh_platform.data.types import arrow_type
from alchemesh_platform.data.values.convert import CLOCK, ZONE_HINT
from alchemesh_platform.manifest.models import LogicalType, Property

_INTEGER_MAX = 2**63 - 1


class ValueUnfit(Exception):
    """Raised when a value does not fit a property. Gives the place inside the column and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


def column_of(
    rows: Sequence[Mapping[str, Any]], name: str, declared: Property
) -> tuple[Any, list[tuple[int, ValueUnfit]]]:
    """One column of dictionaries, and the rows whose value does not fit. A missing key is null."""
    unfit: list[tuple[int, ValueUnfit]] = []

    def values() -> Iterator[Any]:
        for at, row in enumerate(rows):
            try:
                yield value_of(row.get(name), declared, name)
            except ValueUnfit as error:
                unfit.append((at, error))
                yield None

    return pa.array(list(values()), arrow_type(declared)), unfit


def value_of(value: Any, declared: Property, path: str) -> Any:
    """A value as Arrow takes it for a property.

    Raises:
        ValueUnfit: when it does not fit without a change.
    """
    if value is None:
        return None
    return _READERS[declared.type](value, declared, path)


def _text(value: Any, declared: Property, path: str) -> str:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueUnfit(path, f"found {shown(value)}, which is no text of Unicode: it has half a character")
        return str(value)
    raise _wrong(value, declared, path)


def _integer(value: Any, declared: Property, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _wrong(value, declared, path)
    try:
        whole = int(value)
    except (ValueError, OverflowError):
        raise _inexact(value, declared, path) from None
    if whole != value or not -_INTEGER_MAX - 1 <= whole <= _INTEGER_MAX:
        raise _inexact(value, declared, path)
    return whole


def _number(value: Any, declared: Property, path: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _wrong(value, declared, path)
    if declared.precision is not None:
        return _decimal(value, declared, path)
    try:
        found = float(value)
    except (OverflowError, ValueError):
        raise _inexact(value, declared, path) from None
    same = Decimal(repr(found)) == value if isinstance(value, Decimal) else found == value or found != found  # noqa: PLR0124 - NaN
    if not same:
        raise _inexact(value, declared, path)
    return found


def _decimal(value: int | float | Decimal, declared: Property, path: str) -> Decimal:
    precision, scale = declared.precision or 0, declared.scale or 0
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise _inexact(value, declared, path)
    _, digits, exponent = exact.as_tuple()
    places = -exponent if isinstance(exponent, int) else 0
    while places > scale and digits and digits[-1] == 0:
        digits, places = digits[:-1], places - 1
    whole = len(digits) - places
    if exact and (places > scale or whole > precision - scale):
        raise _inexact(value, declared, path)
    return exact


def _boolean(value: Any, declared: Property, path: str) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong(value, declared, path)


def _date(value: Any, declared: Property, path: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise _wrong(value, declared, path)


def _time(value: Any, declared: Property, path: str) -> str:
    if isinstance(value, time) and value.tzinfo is None:
        value = value.isoformat()
    if isinstance(value, str) and fullmatch(CLOCK, value, ASCII):
        clock, point, fraction = (value if value.count(":") > 1 else f"{value}:00").partition(".")
        return f"{clock}{point}{fraction}".rstrip("0").rstrip(".") if point else clock
    raise _wrong(value, declared, path)


def _timestamp(value: Any, declared: Property, path: str) -> datetime:
    if not isinstance(value, datetime):
        raise _wrong(value, declared, path)
    if value.tzinfo is None:
        raise ValueUnfit(path, f"found {value.isoformat()} without a time zone; {ZONE_HINT}")
    if getattr(value, "nanosecond", 0):  # a Timestamp of pandas
        raise _inexact(value, declared, path)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _inexact(value, declared, path) from None


def _object(value: Any, declared: Property, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(value, declared, path)
    parts = declared.properties or {}
    for name in value:
        if name not in parts:
            raise ValueUnfit(path, f"found the part {name!r}, which the model has not")
    return {name: value_of(value.get(name), part, f"{path}.{name}") for name, part in parts.items()}


def _array(value: Any, declared: Property, path: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _wrong(value, declared, path)
    items = declared.items or Property(type=LogicalType.STRING)
    return [value_of(each, items, f"{path}[]") for each in value]


_READERS = {
    LogicalType.STRING: _text,
    LogicalType.INTEGER: _integer,
    LogicalType.NUMBER: _number,
    LogicalType.BOOLEAN: _boolean,
    LogicalType.DATE: _date,
    LogicalType.TIME: _time,
    LogicalType.TIMESTAMP: _timestamp,
    LogicalType.OBJECT: _object,
    LogicalType.ARRAY: _array,
}


def _words(declared: Property) -> str:
    if declared.precision is not None:
        return f"decimal({declared.precision},{declared.scale or 0})"
    return declared.type.value


def _wrong(value: Any, declared: Property, path: str) -> ValueUnfit:
    return ValueUnfit(path, f"found {shown(value)} ({type(value).__name__}), expected {_words(declared)}")


def _inexact(value: Any, declared: Property, path: str) -> ValueUnfit:
    return ValueUnfit(path, f"found {shown(value)}, which {_words(declared)} cannot hold exactly")
