"""Kinds of columns: the forms of a PostgreSQL type in JSON, OpenAPI and GraphQL, and the values of a filter."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_INT64 = 2**63
_DIGITS_MAX = 1_000
_MICROSECONDS = re.compile(r"\.\d{7,}")
_ISO_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")


class Kind(StrEnum):
    """A kind of values."""

    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    LOCAL = "timestamp without zone"
    ZONED = "timestamp with zone"
    BYTES = "bytes"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """The kind of a column.

    Args:
        kind: Kind of the value, or of an array's items.
        type: Type in PostgreSQL without the brackets of an array.
        dimensions: Nested arrays; 0: a single value.
        precision: Digits of a decimal, if declared.
        scale: Digits after the point of a decimal, if declared.
    """

    kind: Kind
    type: str
    dimensions: int = 0
    precision: int | None = None
    scale: int | None = None

    @property
    def comparable(self) -> bool:
        """Whether a filter can compare it, and a sort can order it."""
        return self.dimensions == 0 and self.kind is not Kind.JSON

    @property
    def item(self) -> ColumnKind:
        """The kind of an array's items."""
        return replace(self, dimensions=0)


_KINDS = {
    **dict.fromkeys(("smallint", "integer", "bigint", "int2", "int4", "int8", "int"), Kind.INTEGER),
    **dict.fromkeys(("real", "double precision", "float4", "float8"), Kind.FLOAT),
    **dict.fromkeys(("numeric", "decimal"), Kind.DECIMAL),
    **dict.fromkeys(("boolean", "bool"), Kind.BOOLEAN),
    **dict.fromkeys(("text", "character varying", "varchar", "character", "bpchar"), Kind.TEXT),
    "date": Kind.DATE,
    **dict.fromkeys(("time", "time without time zone"), Kind.TIME),
    **dict.fromkeys(("timestamp", "timestamp without time zone"), Kind.LOCAL),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), Kind.ZONED),
    "bytea": Kind.BYTES,
    **dict.fromkeys(("json", "jsonb"), Kind.JSON),
}
_TYPE = re.compile(
    r"(?P<name>[a-z0-9 ]+?)\s*(?:\((?P<p>\d+)(?:\s*,\s*(?P<s>-?\d+))?\))?(?P<rest> with(?:out)? time zone)?"
    r"(?P<a>(\[\])*)"
)


def kind_of(type_: str) -> ColumnKind:
    """The kind of a PostgreSQL type.

    Raises:
        ValueError: when the server does not know the type.
    """
    found = _TYPE.fullmatch(type_.strip().lower())
    name = f"{found['name'].strip()}{found['rest'] or ''}" if found else ""
    if found is None or name not in _KINDS:
        raise ValueError(f"type {type_!r} cannot be served")
    kind = _KINDS[name]
    decimal = kind is Kind.DECIMAL and found["p"] is not None
    return ColumnKind(
        kind,
        name,
        len(found["a"]) // 2,
        precision=int(found["p"]) if decimal else None,
        scale=int(found["s"] or 0) if decimal else None,
    )


def value_of(kind: ColumnKind, text: str) -> Any:
    """A value of a filter, as the driver takes it.

    Raises:
        ValueError: when the text is no such value. The message says what was expected.
    """
    return _READERS[kind.kind](text)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("expected an integer")
    number = int(text)
    if not -_INT64 <= number < _INT64:
        raise ValueError("expected an integer of at most 64 bits")
    return number


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("expected a number") from None


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("expected a decimal number such as 19.99") from None
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS_MAX or len(text) > _DIGITS_MAX:
        raise ValueError("expected a finite decimal number such as 19.99")
    return number


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("expected true or false")
    return text.lower() == "true"


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("expected a text without the character NUL")
    return text


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ValueError("expected a date such as 2024-03-31") from None


def _time(text: str) -> time:
    try:
        found = time.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a time such as 13:45:00") from None
    if found.tzinfo is not None:
        raise ValueError("expected a time without a zone, such as 13:45:00")
    return found


def _timestamp(text: str, example: str) -> datetime:
    if not _ISO_TIMESTAMP.match(text) or _MICROSECONDS.search(text):
        raise ValueError(f"expected a timestamp such as {example}, of at most 6 digits after the second")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a timestamp such as {example}") from None


def _local(text: str) -> datetime:
    found = _timestamp(text, "2024-03-31T02:30:00")
    if found.tzinfo is not None:
        raise ValueError("expected a timestamp without a zone, such as 2024-03-31T02:30:00")
    return found


def _zoned(text: str) -> datetime:
    found = _timestamp(text, "2024-03-31T02:30:00Z")
    if found.tzinfo is None:
        raise ValueError("expected a timestamp with its zone, such as 2024-03-31T02:30:00Z (write + as %2B in a URL)")
    return found


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("expected bytes in base64") from None


def _no_value(text: str) -> Any:
    raise ValueError("expected no comparison: an object can only be compared with null")


_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.INTEGER: _integer,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.LOCAL: _local,
    Kind.ZONED: _zoned,
    Kind.BYTES: _bytes,
    Kind.JSON: _no_value,
}
