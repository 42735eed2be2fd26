"""The times of a schedule: a cron expression in a time zone.

The expression has the meaning of cron: Sunday is 0 or 7, and a job with both a day of the month and a day of the week
is due on either. APScheduler calculates the times. Where the clock goes forward, a time that does not exist is due at
the same instant, an hour later by the wall clock. Where the clock goes back, a time that exists twice is due the first
time; only an expression for each hour (``* * * * *``) is due in both hours.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

FIELDS = ("minute", "hour", "day", "month", "day_of_week")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Each few minutes, a minute of each hour, a time of each day or weekday: right without APScheduler, a slow import.
_PLAIN = re.compile(r"(\*(/[1-9]|/[1-5]\d)?|[1-5]?\d) (\*|1?\d|2[0-3]) \* \* (\*|[0-7])")
_ITEM = re.compile(r"(?P<first>\*|\d+|[a-z]{3})(-(?P<last>\d+|[a-z]{3}))?(/(?P<step>\d+))?", re.IGNORECASE)
_TICK = timedelta(microseconds=1)
_LOOKED_BACK = timedelta(days=366 * 9)  # 29 February, across a century without a leap day


class WrongSchedule(ValueError):
    """Raised when an expression is no cron expression, or is never due."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """The times at which a schedule is due.

    Args:
        schedule: Cron expression of five fields.
        time_zone: Name of its time zone: ``Europe/Zurich``.
    """

    schedule: str
    time_zone: str = "UTC"

    def check(self) -> None:
        """Check the expression.

        Raises:
            WrongSchedule: with the field that is wrong, or because the schedule is never due.
        """
        if _PLAIN.fullmatch(self.schedule):
            return
        if self.next_after(datetime(2000, 1, 1, tzinfo=UTC)) is None:
            raise WrongSchedule(f"{self.schedule!r} is never due: no month has such a day")

    def next_after(self, instant: datetime) -> datetime | None:
        """The first time after an instant, in UTC; None if the schedule is never due again."""
        after = instant.astimezone(UTC)
        while True:
            found: datetime | None = _trigger(self.schedule, self.time_zone).get_next_fire_time(None, after + _TICK)
            if found is None:
                return None
            after = found.astimezone(UTC)
            if not (found.fold and self._names_hours):
                return after

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The times after one instant, up to and with another."""
        found = self.next_after(after)
        while found is not None and found <= until:
            yield found
            found = self.next_after(found)

    def last_before(self, instant: datetime) -> datetime | None:
        """The last time before an instant; None if there is none within nine years."""
        following = self.next_after(instant)
        span = (following - instant) if following is not None else timedelta(days=1)
        while True:
            span = min(max(span * 4, timedelta(minutes=1)), _LOOKED_BACK)
            last = next(iter(deque(self.between(instant - span, instant - _TICK), maxlen=1)), None)
            if last is not None or span == _LOOKED_BACK:
                return last

    @property
    def _names_hours(self) -> bool:
        return not self.schedule.split()[1].startswith("*")


@lru_cache(maxsize=1024)
def _trigger(schedule: str, time_zone: str) -> Any:
    """The trigger of APScheduler, which numbers days from Monday and combines day and weekday by *and*."""
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    fields = _fields_of(schedule)
    zone = ZoneInfo(time_zone)
    either = "day", "day_of_week"
    if any(fields[name].startswith("*") for name in either):
        return CronTrigger(**fields, timezone=zone)
    return OrTrigger(
        [CronTrigger(**{key: fields[key] for key in fields if key != name}, timezone=zone) for name in either]
    )


def _fields_of(schedule: str) -> dict[str, str]:
    """The fields by their name, each checked, with days of the week by name."""
    from apscheduler.triggers.cron import CronTrigger

    texts = schedule.split()
    if len(texts) != len(FIELDS):
        raise WrongSchedule(f"expected five fields (minute hour day month weekday), found {len(texts)} in {schedule!r}")
    fields = dict(zip(FIELDS, texts, strict=True))
    for name, text in fields.items():
        wrong = f"{name.replace('_', ' ')} {text!r} is wrong"
        for item in text.split(","):
            if _ITEM.fullmatch(item) is None:
                raise WrongSchedule(f"{wrong}: expected numbers, ranges (1-5), steps (*/15) and lists (1,3)")
        try:
            fields[name] = _weekdays(text) if name == "day_of_week" else text.lower()
            CronTrigger(**{name: fields[name]}, timezone=UTC)
        except ValueError as error:
            reason = str(error).rpartition("; ")[2].rpartition(": ")[2]
            raise WrongSchedule(f"{wrong}: {reason[:1].lower()}{reason[1:]}") from error
    return fields


def _weekdays(text: str) -> str:
    """Days of the week in the numbers of cron, as names: ``1-5`` is ``mon,tue,wed,thu,fri``."""
    if text == "*":
        return text
    found: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        assert match is not None  # noqa: S101 - checked before
        step = int(match["step"] or 1)
        if match["first"] == "*":
            first, last = 0, 6
        else:
            first = _weekday(match["first"])
            last = _weekday(match["last"]) if match["last"] else (6 if match["step"] else first)
        last = 7 if first and last == 0 else last
        if step < 1 or first > last:
            raise ValueError(f"{item} has no day")
        found |= {day % 7 for day in range(first, last + 1, step)}
    return ",".join(DAYS[day] for day in sorted(found))


def _weekday(text: str) -> int:
    """The number of a day: 0 to 7."""
    day = int(text) if text.isdigit() else DAYS.index(text.lower()) if text.lower() in DAYS else -1
    if day not in range(len(DAYS) + 1):  # Sunday is both the first and the last
        raise ValueError("expected 0 to 7, or sun to sat")
    return day
