"""The history of a measure over a range: raw observations and summaries in slots of equal width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alchemesh_platform.measures.report import Report, reports_of
from alchemesh_platform.registry.observations.history import History, busy, histories
from alchemesh_platform.registry.observations.roll_up import Keeping, roll_up
from alchemesh_platform.registry.observations.series import add_reports
from alchemesh_platform.registry.store import Registry
from tests.registry.recorded import asset, one_of_each

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRODUCT = "aviation/flights"
ASSET = "aviation/flights/flights-table/flight"
VALIDITY, STATE = (ASSET, "validity"), (PRODUCT, "state")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def product(registry: Registry, environment: str) -> None:
    registry.write([*one_of_each(environment), asset(environment)])


def validity(good: int, total: int, at: datetime) -> Report:
    return reports_of(PRODUCT, ASSET, ratios={"validity": (good, total)}, measured_at=at, now=NOW)[0]


def unknown(at: datetime, id: str) -> Report:  # noqa: A002 - the name of the field
    return reports_of(PRODUCT, ASSET, unknown={"validity": "locked"}, measured_at=at, id=id, now=NOW)[0]


def failed(at: datetime) -> Report:
    return unknown(at, "failed-report").model_copy(update={"outcome": "error"})


def of(registry: Registry, environment: str, since: datetime, slots: int) -> History:
    return histories(registry, environment, [VALIDITY], since, NOW, slots)[VALIDITY]


def test_slots_have_counts_extremes_and_gaps(registry: Registry, environment: str) -> None:
    since = NOW - 4 * HOUR
    reports = [
        validity(1, 10, since),
        validity(80, 90, since + timedelta(minutes=59, seconds=59, milliseconds=999)),
        unknown(since + HOUR, "unknown-report"),
        failed(since + 2 * HOUR),
        unknown(since + 2 * HOUR, "unknown-too"),
        validity(1, 1, NOW),
        validity(0, 1, since - timedelta(microseconds=1)),
    ]
    add_reports(registry, environment, reports, "x", NOW)

    found = of(registry, environment, since, 4)

    assert (found.since, found.width, found.until) == (since, HOUR, NOW)
    assert [(each.outcome, each.count, each.unknown, each.failed, each.value) for each in found.slots] == [
        ("value", 2, 0, 0, 0.81),
        ("unknown", 1, 1, 0, None),
        ("error", 2, 1, 1, None),
        ("value", 1, 0, 0, 1.0),
    ]
    assert (found.slots[0].minimum, found.slots[0].maximum) == (0.1, pytest.approx(8 / 9))


def test_a_series_without_observations_is_all_gaps(registry: Registry, environment: str) -> None:
    found = of(registry, environment, NOW - DAY, 12)

    assert [each.outcome for each in found.slots] == ["gap"] * 12
    assert histories(registry, environment, [], NOW - DAY, NOW, 12) == {}


def test_raw_observations_hours_and_days_make_one_history_and_each_counts_once(
    registry: Registry, environment: str
) -> None:
    since = NOW - 100 * DAY
    reports = [validity(1, 2, since + each * 12 * HOUR) for each in range(200)]
    add_reports(registry, environment, reports, "x", NOW)
    before = of(registry, environment, since, 100)
    roll_up(registry, environment, NOW, Keeping(raw=30 * DAY, hourly=60 * DAY))

    after = of(registry, environment, since, 1000)

    assert sum(each.count for each in before.slots) == sum(each.count for each in after.slots) == 200
    assert (after.since, after.width) == (datetime(2025, 11, 21, tzinfo=UTC), DAY)
    assert {each.value for each in after.slots} == {0.5}


def test_hours_of_a_short_range_get_slots_of_an_hour(registry: Registry, environment: str) -> None:
    add_reports(registry, environment, [validity(1, 2, NOW - 20 * HOUR - timedelta(minutes=1))], "x", NOW)
    roll_up(registry, environment, NOW, Keeping(raw=10 * HOUR, hourly=60 * DAY))

    found = of(registry, environment, NOW - DAY + timedelta(minutes=7), 1000)

    assert (found.since, found.width, len(found.slots)) == (NOW - DAY, HOUR, 24)
    assert [number for number, each in enumerate(found.slots) if each.count] == [3]


def test_a_slot_has_the_last_state_and_a_summary_the_worst(registry: Registry, environment: str) -> None:
    def state(name: str, at: datetime) -> Report:
        return reports_of(PRODUCT, state=name, measured_at=at, now=NOW)[0]

    minute = timedelta(minutes=1)
    young = [state("down", NOW - HOUR), state("operational", NOW - HOUR + minute)]
    old = [state("down", NOW - 40 * DAY), state("operational", NOW - 40 * DAY + minute)]
    add_reports(registry, environment, [*young, *old], "x", NOW)
    roll_up(registry, environment, NOW, Keeping())

    (found,) = histories(registry, environment, [STATE], NOW - 41 * DAY, NOW, 41).values()

    assert [(each.state, each.worst_state) for each in found.slots if each.state] == [
        ("down", "down"),
        ("operational", "down"),
    ]


def test_busy_series_have_many_observations_in_the_range(registry: Registry, environment: str) -> None:
    reports = [validity(1, 2, NOW - each * HOUR) for each in range(30)]
    down = reports_of(PRODUCT, state="down", measured_at=NOW, now=NOW)
    add_reports(registry, environment, [*reports, *down], "x", NOW)

    assert busy(registry, environment, [VALIDITY, STATE], NOW - DAY, NOW, 25) == {VALIDITY}
    assert busy(registry, environment, [VALIDITY, STATE], NOW - DAY, NOW, 26) == frozenset()
    assert busy(registry, environment, [(ASSET, "accuracy")], NOW - DAY, NOW, 0) == frozenset()
