"""Billing periods: months of a calendar in the time zone of a contract. No side effects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from alchemesh_platform.base.failure import ExitCode, Failure

FINAL_AFTER = timedelta(hours=48)
_PERIOD = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_MONTHS = 12
_FIRST_YEAR, _LAST_YEAR = 2000, 9998  # the end of a later month is no time


class NoPeriod(Failure):
    """Raised when a text is not a month."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A month."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``2026-11``.

        Raises:
            NoPeriod: when the text is not a month from the year 2000 to 9998.
        """
        match = _PERIOD.fullmatch(text)
        if match is None or not 1 <= int(match[2]) <= _MONTHS or not _FIRST_YEAR <= int(match[1]) <= _LAST_YEAR:
            raise NoPeriod(f"found {text!r}, expected a month", hint="for example 2026-11")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, moment: datetime, zone: tzinfo) -> Period:
        """The month of a moment in a time zone."""
        local = moment.astimezone(zone)
        return cls(local.year, local.month)

    @property
    def after(self) -> Period:
        """The next month."""
        return Period(self.year + 1, 1) if self.month == _MONTHS else Period(self.year, self.month + 1)

    @property
    def before(self) -> Period:
        """The month before."""
        return Period(self.year - 1, _MONTHS) if self.month == 1 else Period(self.year, self.month - 1)

    def start(self, zone: tzinfo) -> datetime:
        """The moment at which the month begins in a time zone, in UTC."""
        return datetime(self.year, self.month, 1, tzinfo=zone).astimezone(UTC)

    def end(self, zone: tzinfo) -> datetime:
        """The moment at which the month ends in a time zone, in UTC."""
        return self.after.start(zone)

    def closes(self, zone: tzinfo) -> datetime:
        """The moment from which the bill of the month is final. Usage that is received later is an adjustment."""
        return self.end(zone) + FINAL_AFTER


def period_billed(usage: Period, received_at: datetime, zone: tzinfo) -> Period:
    """The month on whose bill usage is: its own month, or for late usage the first month whose bill was not final."""
    first = Period.of(received_at - FINAL_AFTER, zone)
    if received_at <= first.before.closes(zone):  # at the very moment
        first = first.before
    return max(usage, first)
