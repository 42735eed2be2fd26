"""Cron expressions of EventBridge Scheduler, from those with five fields.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

from __future__ import annotations

import re

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")  # 0 and 7 are Sunday in cron
_TO_SUNDAY = re.compile(r"(?P<first>[1-7]|MON|TUE|WED|THU|FRI|SAT)-(?:7|SUN)(?:/(?P<step>[1-7]))?")
_NUMBER = re.compile(r"(?<![/\d])[0-7](?!\d)")


def _days(part: str) -> str:
    """Days of the week. A range that ends with Sunday goes past the end of EventBridge's week, which Sunday begins."""
    past = _TO_SUNDAY.fullmatch(part)
    if past is None:
        return _NUMBER.sub(lambda found: _DAYS[int(found[0])], part)
    first = int(past["first"]) if past["first"].isdigit() else _DAYS.index(past["first"], 1)
    return ",".join(_DAYS[day] for day in range(first, 8, int(past["step"] or 1)))


def scheduled(cron: str) -> str:
    """The expression of a schedule: ``cron(15 6 * * ? *)`` for ``15 6 * * *``.

    Raises:
        ValueError: when it restricts both days of a month and days of a week. Cron runs on either, EventBridge cannot.
    """
    minute, hour, day, month, weekday = cron.split()
    if weekday not in ("*", "?") and day not in ("*", "?"):
        raise ValueError(
            "expected days of the month or days of the week, not both: EventBridge Scheduler has no such schedule"
        )
    if weekday in ("*", "?"):
        return f"cron({minute} {hour} {'*' if day == '?' else day} {month.upper()} ? *)"
    days = ",".join(_days(part) for part in weekday.upper().split(","))
    return f"cron({minute} {hour} ? {month.upper()} {days} *)"
