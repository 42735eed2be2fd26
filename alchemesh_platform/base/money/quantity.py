"""The quantity that a price is for: ``1000 requests``, ``1 million rows``, ``GB``, ``month``, ``30d``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Unit = Literal["requests", "rows", "bytes", "seconds", "months"]

_KILO, _KIBI = 1000, 1024
_BYTES = {
    **dict.fromkeys(("byte", "bytes", "b"), 1),
    **{
        name: _KILO**power
        for power, names in enumerate(("kb kilobyte", "mb megabyte", "gb gigabyte", "tb terabyte", "pb petabyte"), 1)
        for short, long in [names.split()]
        for name in (short, long, f"{long}s")
    },
    **{
        name: _KIBI**power
        for power, names in enumerate(("kib kibibyte", "mib mebibyte", "gib gibibyte", "tib tebibyte"), 1)
        for short, long in [names.split()]
        for name in (short, long, f"{long}s")
    },
}
_DAY = 86_400
_SECONDS = {"h": 3_600, "hour": 3_600, "hours": 3_600, "d": _DAY, "day": _DAY, "days": _DAY}
_SECONDS |= {"w": 7 * _DAY, "week": 7 * _DAY, "weeks": 7 * _DAY}
_MONTHS = {"month": 1, "months": 1, "quarter": 3, "quarters": 3, "year": 12, "years": 12}
_UNITS: dict[str, tuple[int, Unit]] = {
    **dict.fromkeys(("request", "requests", "call", "calls", "query", "queries"), (1, "requests")),
    **dict.fromkeys(("row", "rows", "record", "records"), (1, "rows")),
    **{name: (size, "bytes") for name, size in _BYTES.items()},
    **{name: (size, "seconds") for name, size in _SECONDS.items()},
    **{name: (size, "months") for name, size in _MONTHS.items()},
}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_QUANTITY = re.compile(
    r"\s*(?P<number>\d{1,3}(?:,\d{3})+|\d+)?(?P<fraction>\.\d+)?\s*(?:(?P<scale>hundred|thousand|million|billion)\s+)?"
    r"(?P<unit>[A-Za-z]+)\s*",
    re.ASCII | re.IGNORECASE,
)
_LENGTH_MAX = 64
_SMALLEST, _LARGEST = Decimal("0.001"), Decimal(10**18)  # bills are calculated with 28 digits
USES = "a quantity of requests, rows or bytes"
PERIODS = "a period"
USE_EXAMPLES = "1000 requests, 1 million rows or 1 GB"
PERIOD_EXAMPLES = "day, week, month, quarter, year or 30d"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of a unit that the platform counts.

    Args:
        amount: The amount in the unit, such as 1000 requests, 1,000,000,000 bytes, or 3 months.
        unit: requests, rows or bytes for use; seconds or months for a period.
    """

    amount: Decimal
    unit: Unit

    @property
    def is_period(self) -> bool:
        """Whether the quantity is a span of time."""
        return self.unit in ("seconds", "months")


def parse_quantity(text: str) -> Quantity | None:
    """Read a quantity; None if the text is none that the platform counts, or if it is too small or too large."""
    match = _QUANTITY.fullmatch(text) if len(text) <= _LENGTH_MAX else None
    if match is None or (match["fraction"] and not match["number"]):
        return None
    found = _UNITS.get(match["unit"].lower())
    number = Decimal((match["number"] or "1").replace(",", "") + (match["fraction"] or ""))
    if found is None or number == 0:
        return None
    size, unit = found
    amount = number * _SCALES.get((match["scale"] or "").lower(), 1) * size
    return Quantity(amount, unit) if _SMALLEST <= amount <= _LARGEST else None
