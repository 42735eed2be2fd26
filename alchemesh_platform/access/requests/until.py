"""Parse the end of access: a date, a moment, or a span of time from now."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from alchemesh_platform.access.requests.states import moment
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.units import parse_duration

EXPECTED = "a date (2027-12-31), a moment (2027-12-31T18:00:00+01:00) or a span of time (90d)"


class BadEnd(Failure):
    """Raised when an end date cannot be parsed, or has passed."""

    exit_code = ExitCode.USAGE


def parse_until(text: str, now: datetime) -> datetime:
    """Parse the moment at which access ends. A date includes its day; a text without a time zone is UTC.

    Raises:
        BadEnd: when it cannot be parsed, or has passed.
    """
    return in_future(read_until(text, now), now)


def in_future(ends_at: datetime, now: datetime) -> datetime:
    """Return the moment if it is in the future.

    Raises:
        BadEnd: when it has passed.
    """
    if ends_at <= now:
        raise BadEnd(
            f"found the end {moment(ends_at.astimezone(UTC))}, expected one after now, {moment(now)}",
            hint="leave it out for access that does not end by itself",
        )
    return ends_at


def read_until(text: str, now: datetime) -> datetime:
    """Parse a date, a moment or a span of time from now. A date includes its day; a text without a zone is UTC.

    Raises:
        BadEnd: when it cannot be parsed.
    """
    text = text.strip()
    try:
        if "T" not in text and " " not in text and text[-1:].isalpha():
            return now + parse_duration(text)
        read = datetime.fromisoformat(text)
        if len(text) == len("2027-12-31"):
            read = datetime.combine(read.date() + timedelta(days=1), time())
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadEnd(f"found the end {text!r}, expected {EXPECTED}") from error
