"""Numbers in words: spans of time, shares, sizes and counts. No side effects."""

from __future__ import annotations

_KILO = 1000
_DAY_SECONDS = 86_400


def took(seconds: float) -> str:
    """A span of time: ``1.4 s``, ``3 min 12 s``, ``2 h 5 min``."""
    if round(seconds, 1) < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def span(seconds: float) -> str:
    """A span of time that may be long: ``1.4 s``, ``2 h 5 min``, ``12 days``."""
    days = int(seconds // _DAY_SECONDS)
    return counted(days, "day") if days > 1 else took(seconds)


def share(good: int, total: int) -> str:
    """A share in percent: ``99 %``, ``99.98 %``. It is rounded down, so that only all of them are ``100 %``."""
    hundredths = good * 100 * _KILO // total / _KILO
    return f"{int(hundredths * 100) / 100:g} %"


def size(count: int) -> str:
    """Bytes in decimal units: ``31.2 MB``."""
    units = ["kB", "MB", "GB", "TB"]
    if count < _KILO:
        return counted(count, "byte")
    amount = count / _KILO
    while round(amount, 1) >= _KILO and len(units) > 1:
        amount /= _KILO
        units.pop(0)
    return f"{amount:,.1f} {units[0]}"


def counted(count: int, noun: str) -> str:
    """A number of things: ``1 row``, ``336,776 rows``."""
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def brief(seconds: float) -> str:
    """A span of time that may be short: ``12 ms``, ``1.4 s``, ``12 days``."""
    return f"{seconds * _KILO:.0f} ms" if round(seconds * _KILO) < _KILO else span(seconds)
