"""Error budgets, burn rates and the alarms of a commitment at risk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction

import pytest

from alchemesh_platform.levels.budget import ALARMS, HOUR, budget_of, risk
from alchemesh_platform.levels.commitment import Budget

MONTH, MINUTE = timedelta(days=30), timedelta(minutes=1)
MINUTES = int(MONTH / MINUTE)
Counts = Callable[[timedelta], tuple[int, int]]


def down_since(minutes: int, ended: int = 0) -> Counts:
    """An outage of so many minutes that ended some minutes ago, in a month that was probed in every slice."""

    def recent(span: timedelta) -> tuple[int, int]:
        length = int(span / MINUTE)
        return max(0, min(length - ended, minutes)), length

    return recent


def budget(minutes: int, ended: int = 0, promised: str = "0.995", window: timedelta = MONTH) -> Budget:
    share = 1 - Fraction(promised)
    return budget_of("minutes", share, int(window / MINUTE), minutes, window, down_since(minutes, ended))


def test_the_budget_is_the_part_of_the_window_that_may_be_down() -> None:
    spent = budget(54, ended=1_000)

    assert (spent.allowed, spent.spent, spent.remaining) == (216.0, 54.0, 0.75)
    assert (spent.burn_rate, spent.alarm, risk(spent)) == (0.0, "", "")
    assert spent.as_json()["remaining"] == 0.75


def test_the_alarms_of_a_month_are_those_of_the_sre_workbook() -> None:
    assert [(each.long, each.short, round(each.rate(MONTH), 9)) for each in ALARMS] == [
        (timedelta(hours=1), timedelta(minutes=5), 14.4),
        (timedelta(hours=6), timedelta(minutes=30), 6.0),
        (timedelta(days=3), timedelta(hours=6), 1.0),
    ]
    assert [round(each.rate(timedelta(days=90)), 9) for each in ALARMS] == [43.2, 18.0, 3.0]
    assert ALARMS[2].rate(timedelta(days=7)) == 1.0


def test_a_fast_outage_is_at_risk_before_its_budget_is_spent_and_no_longer_after_it_ended() -> None:
    burning, ended = budget(10), budget(10, ended=6)

    assert burning.remaining > 0.95
    assert burning.burn_rate == pytest.approx(10 / 60 / 0.005)
    assert burning.alarm == "burns its error budget 33.3 times too fast for 1h"
    assert (ended.alarm, risk(ended)) == ("", "")


def test_a_slow_leak_is_at_risk_too() -> None:
    def recent(span: timedelta) -> tuple[int, int]:
        return int(span / MINUTE) // 60, int(span / MINUTE)  # one minute of each hour

    leaking = budget_of("minutes", Fraction(5, 1000), MINUTES, 43, MONTH, recent)

    assert leaking.alarm == "burns its error budget 3.33 times too fast for 3d"


def test_a_nearly_spent_budget_is_at_risk_without_an_alarm() -> None:
    assert risk(budget(195, ended=5_000)) == "10% of its error budget is left"
    assert risk(budget(194, ended=5_000)) == ""
    assert risk(budget(216, ended=5_000)) == "0% of its error budget is left"


def test_a_promise_of_all_time_has_no_budget() -> None:
    none, broken = budget(0, promised="1"), budget(1, promised="1")

    assert (none.remaining, none.burn_rate, none.alarm, risk(none)) == (1.0, None, "", "")
    assert (broken.remaining, broken.burn_rate, broken.alarm) == (-1.0, None, "")


def test_an_alarm_whose_span_is_longer_than_the_window_does_not_fire() -> None:
    window = timedelta(hours=2)
    assert budget(30, window=window).alarm.endswith("for 1h")
    assert budget(30, ended=10, window=window).alarm == ""


def test_an_hour_without_probes_has_no_burn_rate() -> None:
    unknown = budget_of("minutes", Fraction(1, 100), 100, 1, MONTH, lambda _span: (0, 0))

    assert (unknown.burn_rate, unknown.alarm, HOUR) == (None, "", timedelta(hours=1))
