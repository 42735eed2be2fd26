"""Laws of maturity: it grows with time and consumers, and never with broken commitments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.observed.maturity import Broken, History, Served, maturity

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AGO = st.integers(0, 1500).map(lambda days: NOW - timedelta(days=days))
SERVED = st.tuples(AGO, AGO, st.booleans()).map(
    lambda drawn: Served(min(drawn[:2]), None if drawn[2] else max(drawn[:2]))
)
INCIDENTS = SERVED.map(lambda served: Broken(served.since, served.until))
HISTORIES = st.builds(
    History,
    AGO,
    st.none() | AGO,
    st.lists(SERVED, max_size=5).map(tuple),
    st.lists(AGO, max_size=2).map(tuple),
    st.lists(INCIDENTS, max_size=4).map(tuple),
)
SPANS = st.integers(0, 1000).map(lambda days: timedelta(days=days))


def value(history: History, now: datetime = NOW) -> int:
    found = maturity(history, now)
    assert found is not None
    return found.value


def test_maturity_without_a_record_is_unknown() -> None:
    assert maturity(None, NOW) is None


@given(HISTORIES)
def test_maturity_is_a_number_up_to_a_hundred_that_its_reasons_explain(history: History) -> None:
    found = maturity(history, NOW)
    assert found is not None
    assert 0 <= found.value <= 100
    assert found.value == int(sum(reason.points for reason in found.reasons))
    assert all(0 <= reason.points <= reason.of and reason.why for reason in found.reasons)
    assert sum(reason.of for reason in found.reasons) == 100


@given(HISTORIES, SPANS)
def test_more_stable_time_never_lowers_it(history: History, span: timedelta) -> None:
    since = history.stable_since or NOW
    assert value(replace(history, stable_since=since - span)) >= value(history)


@given(HISTORIES, SPANS)
def test_time_alone_never_lowers_it(history: History, span: timedelta) -> None:
    assert value(history, NOW + span) >= value(history)


@given(HISTORIES, SERVED)
def test_another_consumer_never_lowers_it(history: History, served: Served) -> None:
    assert value(replace(history, served=(*history.served, served))) >= value(history)


@given(HISTORIES, AGO)
def test_a_broken_commitment_never_raises_it(history: History, broken: datetime) -> None:
    assert value(replace(history, broken=(*history.broken, broken))) <= value(history)


@given(HISTORIES, INCIDENTS)
def test_an_incident_never_raises_it_and_its_end_never_lowers_it(history: History, incident: Broken) -> None:
    with_it = replace(history, incidents=(*history.incidents, incident))
    ended = replace(history, incidents=(*history.incidents, Broken(incident.since, incident.until or NOW)))
    assert value(with_it) <= value(ended) <= value(history)


def test_incidents_are_part_of_the_reasons() -> None:
    year, month = NOW - timedelta(days=365), NOW - timedelta(days=30)
    long_ago = Broken(year - timedelta(days=9), year)
    found = maturity(History(year, broken=(month,), incidents=(Broken(month), Broken(month, NOW), long_ago)), NOW)
    assert found is not None
    assert (found.reasons[2].points, found.reasons[2].why) == (
        3,
        "1 commitment broken now, 1 commitment not kept within a year, 1 incident within a year",
    )
    two = maturity(History(year, incidents=(Broken(month), Broken(month), Broken(month, NOW), Broken(month, NOW))), NOW)
    assert two is not None
    assert (two.reasons[2].points, two.reasons[2].why) == (6, "2 commitments broken now, 2 incidents within a year")


def test_a_stable_product_of_a_year_with_consumers_has_full_maturity() -> None:
    year = NOW - timedelta(days=365)
    assert value(History(year, year, (Served(year), Served(year)))) == 100
    assert value(History(NOW, NOW)) == 0


def test_maturity_comes_with_its_reasons() -> None:
    history = History(
        NOW - timedelta(days=90),
        NOW - timedelta(days=73),
        (Served(NOW - timedelta(days=54)), Served(NOW - timedelta(days=54), NOW - timedelta(days=27))),
        (NOW - timedelta(days=3),),
    )
    found = maturity(history, NOW)
    assert found is not None
    assert [(round(reason.points), reason.of, reason.why) for reason in found.reasons] == [
        (8, 40, "stable for 73 days"),
        (6, 40, "2 consumers, 1 now, 81 days in total"),
        (0, 20, "1 commitment not kept within a year"),
    ]
