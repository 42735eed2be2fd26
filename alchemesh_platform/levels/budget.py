"""Error budgets: the part that a promise allows to be bad, how much of it is spent, and how fast. No side effects.

The alarms are those of the SRE Workbook of Google (chapter 5, table 5-8), with their share of the budget kept for every
length of window: 2 % of the budget in one hour, 5 % in six hours, 10 % in three days. For a window of 30 days these are
burn rates of 14.4, 6 and 1. An alarm fires if the long and the short span both exceed the rate, so that it ends soon
after the fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Literal

from alchemesh_platform.base.units import format_duration
from alchemesh_platform.levels.commitment import Budget

LOW = 0.1  # a commitment is at risk if less of its budget is left


@dataclass(frozen=True, slots=True)
class Alarm:
    """A span in which at most this share of the budget may be spent, and the short span that ends the alarm."""

    long: timedelta
    short: timedelta
    share: float

    def rate(self, window: timedelta) -> float:
        """The burn rate from which it fires; at least 1, which a budget lasts for."""
        return max(1.0, self.share * (window / self.long))


ALARMS = (
    Alarm(timedelta(hours=1), timedelta(minutes=5), 0.02),
    Alarm(timedelta(hours=6), timedelta(minutes=30), 0.05),
    Alarm(timedelta(days=3), timedelta(hours=6), 0.10),
)
HOUR = ALARMS[0].long

Counts = Callable[[timedelta], tuple[int, int]]  # bad and all of the last span


def budget_of(
    unit: Literal["minutes", "probes"],
    allowed_share: Fraction,
    counted: int,
    bad: int,
    window: timedelta,
    recent: Counts,
) -> Budget:
    """The budget of a commitment.

    Args:
        unit: The counted unit.
        allowed_share: The share that may be bad, as the promise says.
        counted: All slices or probes of the window.
        bad: The bad ones.
        window: The length of the window.
        recent: Counts the bad and all known slices or probes of the last span.
    """
    rates: dict[timedelta, float | None] = {}

    def rate(span: timedelta) -> float | None:
        if span not in rates:
            number, all_of_them = recent(span)
            share = Fraction(number, all_of_them) if all_of_them else None
            rates[span] = None if share is None or not allowed_share else float(share / allowed_share)
        return rates[span]

    alarm = ""
    # Without a bad slice there is nothing to look at, and a status reads many commitments.
    for each in ALARMS if bad and allowed_share else ():
        limit, long, short = each.rate(window), rate(each.long), rate(each.short)
        if each.long <= window and long is not None and short is not None and long > limit and short > limit:
            alarm = f"burns its error budget {long:.3g} times too fast for {format_duration(each.long)}"
            break
    hour = rate(HOUR) if bad else (0.0 if allowed_share and counted else None)
    return Budget(unit, float(allowed_share * counted), float(bad), hour, alarm)


def risk(budget: Budget) -> str:
    """The reason why a kept commitment is at risk; empty if it is not."""
    if budget.alarm:
        return budget.alarm
    if budget.allowed and budget.remaining < LOW:
        return f"{max(budget.remaining, 0):.0%} of its error budget is left"
    return ""
