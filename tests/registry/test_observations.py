"""The time series of measures: accepted once, late ones too, and the newest value of each measure."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from alchemesh_platform.measures.report import Report, read_report, reports_of
from alchemesh_platform.registry.observations.series import PLATFORM, Added, add_reports, latest, series, state_of
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import observations
from tests.registry.recorded import asset, one_of_each

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRODUCT = "aviation/flights"
ASSET = "aviation/flights/flights-table/flight"


@pytest.fixture(autouse=True)
def product(registry: Registry, environment: str) -> None:
    """A deployed product with one asset."""
    registry.write([*one_of_each(environment), asset(environment)])


def completeness(good: int, *, minutes: float = 0, name: str | None = None) -> Report:
    return reports_of(
        PRODUCT,
        ASSET,
        ratios={"completeness": (good, 1000)},
        measured_at=NOW + timedelta(minutes=minutes),
        id=name,
        now=NOW,
    )[0]


def state(value: str, *, minutes: float = 0, note: str = "") -> Report:
    return reports_of(PRODUCT, state=value, note=note, measured_at=NOW + timedelta(minutes=minutes), now=NOW)[0]


def add(registry: Registry, environment: str, *reports: Report, by: str = "amelia@airport.example") -> Added:
    return add_reports(registry, environment, reports, by, NOW)


def measured(registry: Registry, environment: str) -> Sequence[float | None]:
    found = series(registry, environment, ASSET, "completeness", NOW - timedelta(days=1), NOW + timedelta(days=1))
    return [each.value for each in found]


def test_an_observation_has_its_value_counts_times_and_reporter(registry: Registry, environment: str) -> None:
    add(registry, environment, completeness(990, minutes=-3))

    (found,) = latest(registry, environment, [PRODUCT])
    assert (found.subject, found.kind, found.measure, found.product) == (ASSET, "asset", "completeness", PRODUCT)
    assert (found.value, found.good, found.total, found.outcome) == (0.99, 990, 1000, "value")
    assert (found.measured_at, found.received_at, found.window) == (NOW - timedelta(minutes=3), NOW, timedelta(0))
    assert found.reported_by == "amelia@airport.example"


def test_the_same_report_is_accepted_once_and_another_content_is_refused(registry: Registry, environment: str) -> None:
    one = completeness(990)
    assert add(registry, environment, one, one).accepted == (one,)
    again = add(registry, environment, one, by="somebody@else.example")
    other = add(registry, environment, completeness(991))

    assert (again.accepted, again.repeated, again.refused) == ((), (one,), ())
    assert [(each.report.good, "another content" in each.reason) for each in other.refused] == [(991, True)]
    assert measured(registry, environment) == [0.99]


def test_a_late_report_joins_the_series_and_leaves_the_newest_value(registry: Registry, environment: str) -> None:
    add(registry, environment, completeness(990))
    add(registry, environment, completeness(500, minutes=-60))
    add(registry, environment, completeness(700, minutes=2))

    assert measured(registry, environment) == [0.5, 0.99, 0.7]
    assert [each.value for each in latest(registry, environment, [PRODUCT])] == [0.7]


def test_of_two_reports_of_the_same_time_the_later_received_one_is_the_newest(
    registry: Registry, environment: str
) -> None:
    add(registry, environment, completeness(990, name="first-of-two"))
    add_reports(registry, environment, [completeness(980, name="second-of-two")], "x", NOW + timedelta(seconds=1))
    add_reports(registry, environment, [completeness(970, name="late-received")], "x", NOW - timedelta(seconds=1))

    assert [each.value for each in latest(registry, environment, [PRODUCT])] == [0.98]


def test_a_report_of_the_future_or_of_an_unknown_subject_is_refused_and_the_others_are_accepted(
    registry: Registry, environment: str
) -> None:
    unknown = reports_of(PRODUCT, "flights-table/flihgt", ratios={"validity": (1, 2)}, now=NOW)[0]
    elsewhere = reports_of("aviation/trains", state="down", now=NOW)[0]
    done = add(registry, environment, completeness(990, minutes=6), unknown, elsewhere, state("down", note="no source"))

    assert [each.measure for each in done.accepted] == ["state"]
    future, asset_, product = (each.reason for each in done.refused)
    assert "which is 360 s in the future" in future
    assert asset_ == (
        f"there is no asset aviation/flights/flights-table/flihgt in {environment} "
        "(did you mean 'aviation/flights/flights-table/flight'?)"
    )
    assert product == f"aviation/trains is not deployed in {environment}"
    reported = state_of(latest(registry, environment, [PRODUCT]), PRODUCT)
    assert reported is not None
    assert (reported.state, reported.note) == ("down", "no source")


def test_two_writers_of_the_same_reports_add_each_once(registry: Registry, environment: str) -> None:
    reports = [completeness(at, minutes=-at) for at in range(60)]

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: add(registry, environment, *reports), range(4)))

    assert sum(len(each.accepted) for each in done) == 60
    assert sum(len(each.repeated) for each in done) == 180
    assert len(measured(registry, environment)) == 60


def test_an_observation_does_not_change(registry: Registry, environment: str) -> None:
    add(registry, environment, completeness(990))

    with pytest.raises(DBAPIError, match="an observation does not change"), registry.writing() as connection:
        connection.execute(update(observations).where(observations.c.environment == environment), {"value": 1.0})


@pytest.mark.parametrize("measure", ["uptime", "uptime:rest"])
def test_only_the_platform_says_that_a_port_was_up(registry: Registry, environment: str, measure: str) -> None:
    port = ASSET.rpartition("/")[0]
    up = read_report(
        {"product": PRODUCT, "subject": port, "measure": measure, "measured_at": NOW, "good": 1, "total": 1}
    )

    refused = add(registry, environment, up, by=f"code of {PRODUCT}")
    assert [each.reason for each in refused.refused] == [
        f"{measure} is measured by the platform, and not reported by others"
    ]
    assert add(registry, environment, up, by=PLATFORM).accepted == (up,)
