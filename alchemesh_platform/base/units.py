"""Values with units, as people write them: ``30d``, ``1h``, ``300ms``, ``99.5%``."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

DURATION_PATTERN = r"^(\d+)(ms|s|m|h|d|w)$"
PERCENT_PATTERN = r"^\d{1,3}(\.\d+)?%$"
PERCENTILE_PATTERN = r"^p[1-9]\d?(\.\d{1,3})?$"
HUNDRED_PERCENT = 100.0

_UNIT_MILLISECONDS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_LONGEST_MILLISECONDS = 100 * 365 * _UNIT_MILLISECONDS["d"]
_DURATION = re.compile(DURATION_PATTERN, re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kMGT]?B|[KMGT]iB)", re.ASCII)
_UNIT_BYTES = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", start=1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", start=1)},
}
_PERCENT = re.compile(PERCENT_PATTERN, re.ASCII)
_PERCENTILE = re.compile(PERCENTILE_PATTERN, re.ASCII)


def parse_duration(text: object) -> timedelta:
    """Read a whole number with a unit (ms, s, m, h, d, w) as a span of time.

    Raises:
        ValueError: when the text is not a duration or is longer than a century. The message names the expected value.
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("expected a duration: a whole number with a unit, such as 300ms, 30s, 5m, 1h, 30d or 2w")
    milliseconds = int(match[1][:20]) * _UNIT_MILLISECONDS[match[2]]
    if milliseconds > _LONGEST_MILLISECONDS:
        raise ValueError("expected a duration of at most 100 years")
    return timedelta(milliseconds=milliseconds)


def format_duration(span: timedelta) -> str:
    """Write a span of time in its largest whole unit (weeks apart: ``14d`` stays days); inverse of parse_duration."""
    milliseconds = round(span / timedelta(milliseconds=1))
    for unit in ("d", "h", "m", "s"):
        if milliseconds and milliseconds % _UNIT_MILLISECONDS[unit] == 0:
            return f"{milliseconds // _UNIT_MILLISECONDS[unit]}{unit}"
    return f"{milliseconds}ms"


def duration_in_words(span: timedelta) -> str:
    """A span of time in a sentence: ``90 days``, ``36h``."""
    days, rest = divmod(span, timedelta(days=1))
    return format_duration(span) if rest else f"{days} {'day' if days == 1 else 'days'}"


def parse_size(text: object) -> int:
    """Read a number with a unit (B, kB, MB, GB, TB, or KiB, MiB, GiB, TiB) as bytes.

    Raises:
        ValueError: when the text is no size. The message names the expected value.
    """
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("expected a size: a number with a unit, such as 500MB or 2.5GiB")
    return int(Decimal(match[1][:20]) * _UNIT_BYTES[match[2]])


def size_in_words(number: int) -> str:
    """A number of bytes for a person, in the largest unit: ``1.5 GiB``, ``12 B``."""
    unit = next((name for name in ("TiB", "GiB", "MiB", "KiB") if number >= _UNIT_BYTES[name]), "B")
    return f"{number / _UNIT_BYTES[unit]:.1f}".removesuffix(".0") + f" {unit}"


def parse_percent(text: object) -> float:
    """Read ``99.5%`` as 99.5.

    Raises:
        ValueError: when the text is not a percentage. The message names the expected value.
    """
    if not isinstance(text, str) or not _PERCENT.fullmatch(text) or float(text[:-1]) > HUNDRED_PERCENT:
        raise ValueError("expected a percentage from 0% to 100%, such as 99.5%")
    return float(text[:-1])


def format_percent(value: float) -> str:
    """Write 99.5 as ``99.5%``; inverse of parse_percent."""
    return f"{Decimal(str(value)).normalize():f}%"


def share_of_percentile(text: str) -> Fraction:
    """The share of values that a percentile counts, exactly: 95/100 for ``p95``.

    Raises:
        ValueError: when the text is not a percentile. The message names the expected value.
    """
    if not _PERCENTILE.fullmatch(text):
        raise ValueError("expected a percentile from p1 to p99.999, such as p95")
    return Fraction(text[1:]) / 100


def _schema(pattern: str, examples: list[str]) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern, "examples": examples}


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(_schema(DURATION_PATTERN, ["300ms", "1h", "30d"])),
]
Percent = Annotated[
    float,
    BeforeValidator(parse_percent),
    PlainSerializer(format_percent, return_type=str),
    WithJsonSchema(_schema(PERCENT_PATTERN, ["99.5%"])),
]
