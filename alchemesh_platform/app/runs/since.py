"""Moments in the past, as people type them: a date, a moment, or a span of time before now."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.units import parse_duration

EXPECTED = "a date (2027-12-31), a moment (2027-12-31T18:00:00+01:00) or a span of time before now (7d)"
_SEPARATOR = ".."


class BadMoment(Failure):
    """Raised when a moment or an interval cannot be parsed."""

    exit_code = ExitCode.USAGE


def read_since(text: str, now: datetime, zone: tzinfo = UTC) -> datetime:
    """Parse a moment in the past. A date is its beginning; a text without a time zone is in the given zone.

    Raises:
        BadMoment: when it cannot be parsed.
    """
    text = text.strip()
    try:
        if "T" not in text and " " not in text and text[-1:].isalpha():
            return now - parse_duration(text)
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadMoment(f"found {text!r}, expected {EXPECTED}") from error


def read_interval(text: str, now: datetime, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
    """Parse an interval: ``2027-01-01..2027-02-01``. It includes its begin and not its end. Without an end, until now.

    Raises:
        BadMoment: when it cannot be parsed, or ends before it begins.
    """
    first, separator, last = text.partition(_SEPARATOR)
    if not separator or not first.strip():
        raise BadMoment(f"found {text!r}, expected FROM..TO, such as 2027-01-01..2027-02-01")
    begin, end = read_since(first, now, zone), read_since(last, now, zone) if last.strip() else now
    if begin >= end:
        raise BadMoment(f"found {text!r}, expected an interval that ends after it begins")
    return begin, end
