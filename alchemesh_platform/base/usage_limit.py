"""Usage limits, as people write them: ``10000/day``, ``5GB/month``. No side effects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from alchemesh_platform.base.quantities import size
from alchemesh_platform.base.units import parse_size

Period = Literal["hour", "day", "month"]
PERIODS: tuple[Period, ...] = get_args(Period)
_PERIODS = "|".join(PERIODS)
_COUNT_PATTERN = rf"^[1-9]\d{{0,14}}/({_PERIODS})$"
_SIZE_PATTERN = rf"^\d+(\.\d+)? ?([kMGT]?B|[KMGT]iB)/({_PERIODS})$"
_COUNT = re.compile(_COUNT_PATTERN, re.ASCII)
_DECIMAL = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """The most that one consumer may use in an hour, day or month of UTC.

    Args:
        amount: The largest number that is allowed.
        period: The period that it is for.
        bytes: Whether the number is of bytes.
    """

    amount: int
    period: Period
    bytes: bool = False

    def began(self, now: datetime) -> datetime:
        """The start of the period of a time."""
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if self.period == "hour":
            return hour
        return hour.replace(hour=0) if self.period == "day" else hour.replace(hour=0, day=1)

    def amount_in_words(self, amount: int) -> str:
        """A number for a person: ``12,000``, ``5.2 GB``."""
        return size(amount) if self.bytes else f"{amount:,}"

    def in_words(self) -> str:
        """The limit for a person: ``10,000 a day``."""
        return f"{self.amount_in_words(self.amount)} {'an' if self.period == 'hour' else 'a'} {self.period}"


def parse_count_limit(text: object) -> UsageLimit:
    """Read ``10000/day``.

    Raises:
        ValueError: when the text is no such limit. The message names the expected value.
    """
    if isinstance(text, UsageLimit):
        return text
    if not isinstance(text, str) or not _COUNT.fullmatch(text):
        raise ValueError("expected a whole number for each hour, day or month, such as 10000/day")
    amount, _, period = text.partition("/")
    return UsageLimit(int(amount), _period(period))


def parse_size_limit(text: object) -> UsageLimit:
    """Read ``5GB/day``.

    Raises:
        ValueError: when the text is no such limit. The message names the expected value.
    """
    if isinstance(text, UsageLimit):
        return text
    amount, slash, period = text.partition("/") if isinstance(text, str) else ("", "", "")
    expected = "expected a size for each hour, day or month, such as 500MB/day"
    if not slash or period not in PERIODS:
        raise ValueError(expected)
    try:
        number = parse_size(amount)
    except ValueError:
        raise ValueError(expected) from None
    if number == 0:
        raise ValueError(expected)
    return UsageLimit(number, _period(period), bytes=True)


def format_limit(limit: UsageLimit) -> str:
    """Write a limit; inverse of both readers."""
    if not limit.bytes:
        return f"{limit.amount}/{limit.period}"
    unit, length = next((each for each in _DECIMAL if limit.amount % each[1] == 0), ("B", 1))
    return f"{limit.amount // length}{unit}/{limit.period}"


def _period(text: str) -> Period:
    return next(period for period in PERIODS if period == text)


def _schema(pattern: str, examples: list[str]) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern, "examples": examples}


CountLimit = Annotated[
    UsageLimit,
    PlainValidator(parse_count_limit),
    PlainSerializer(format_limit, return_type=str),
    WithJsonSchema(_schema(_COUNT_PATTERN, ["10000/day"])),
]
SizeLimit = Annotated[
    UsageLimit,
    PlainValidator(parse_size_limit),
    PlainSerializer(format_limit, return_type=str),
    WithJsonSchema(_schema(_SIZE_PATTERN, ["5GB/month"])),
]
