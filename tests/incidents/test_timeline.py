"""When incidents open, close and reopen: two bad measurements, three good ones, fifteen minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.incidents.timeline import Change, Point, Spell, context, news, spells

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
VERDICTS = {"b": "broken", "k": "kept", "r": "at_risk", "u": "unknown", "s": "stale", "e": "error"}


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def points(verdicts: str, *, start: float = 0, every: float = 1) -> list[Point]:
    """A measurement for each letter; a dot is a time without one."""
    return [
        Point(at(start + place * every), VERDICTS[letter]) for place, letter in enumerate(verdicts) if letter != "."
    ]


def kinds(verdicts: str, **options: float) -> list[list[str]]:
    return [[change.kind for change in spell.changes] for spell in spells(points(verdicts, **options))]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ("b", []),
        ("bb", [["opened"]]),
        ("bkb", []),  # not two in a row
        ("bub", [["opened"]]),  # an unknown verdict is no measurement of the commitment
        ("bseb", [["opened"]]),
        ("uuu", []),
        ("bbkk", [["opened"]]),
        ("bbkkbkk", [["opened"]]),  # a bad one starts the good ones anew
        ("bbkrk", [["opened", "closed"]]),  # at risk is not broken
        ("bbkukuk", [["opened", "closed"]]),
        ("bbkkkb", [["opened", "closed"]]),  # one bad measurement is no recurrence
        ("bbkkkbb", [["opened", "closed", "reopened"]]),
        ("bbkkkbbkkk", [["opened", "closed", "reopened", "closed"]]),
        ("bbbbbb", [["opened"]]),
    ],
)
def test_two_bad_measurements_open_an_incident_and_three_good_ones_close_it(
    verdicts: str, expected: list[list[str]]
) -> None:
    assert kinds(verdicts) == expected


def test_a_recurrence_within_fifteen_minutes_reopens_and_a_later_one_opens_another_incident() -> None:
    soon = spells([*points("bbkkk"), *points("bb", start=4 + 15)])
    later = spells([*points("bbkkk"), *points("bb", start=4 + 15.1)])
    assert [spell.is_open for spell in soon] == [True]
    assert [spell.is_open for spell in later] == [False, True]
    assert later[1].began_at == at(19.1)


def test_an_incident_has_the_times_of_the_measurements_that_caused_its_transitions() -> None:
    (spell,) = spells(points("kbbkkk"))
    assert (spell.began_at, spell.opened_at, spell.closed_at) == (at(1), at(2), at(5))


@given(st.text("bkrus", max_size=40), st.integers(0, 40))
def test_measurements_in_two_parts_give_the_same_incidents_as_all_at_once(verdicts: str, cut: int) -> None:
    """A later evaluation starts from the newest incident and the measurements after its last transition."""
    every = points(verdicts, every=4)
    whole = spells(every)
    known = spells(every[:cut])
    last = known[-1] if known else None
    resumed = spells([*context(every[:cut], last), *every[cut:]], last)
    assert [*known[:-1], *resumed] == whole


@given(st.text("bkrus", max_size=40))
def test_transitions_alternate_and_at_most_the_last_incident_is_open(verdicts: str) -> None:
    found = spells(points(verdicts, every=4))
    for spell in found:
        assert spell.changes[0].kind == "opened"
        assert all((one.kind == "closed") != (other.kind == "closed") for one, other in pairwise(spell.changes))
    assert not any(spell.is_open for spell in found[:-1])


@given(st.text("bkrus", max_size=30), st.integers(0, 30))
def test_an_incident_cut_at_a_time_is_the_incident_of_the_measurements_before(verdicts: str, minute: int) -> None:
    every = points(verdicts)
    cut = [spell.until(at(minute)) for spell in spells(every)]
    before = spells([point for point in every if point.at < at(minute)])
    assert [spell for spell in cut if spell is not None] == before


def test_only_new_transitions_are_news() -> None:
    opened, closed, again = Change("opened", at(1)), Change("closed", at(4)), Change("reopened", at(9))
    moved = Change("opened", at(0))
    assert news([], [opened]) == (opened,)
    assert news([opened], [moved]) == ()
    assert news([opened], [opened, closed, again]) == (closed, again)
    assert news([opened, closed], [opened]) == (Change("reopened", at(1)),)
    assert news([opened, closed, again], [opened]) == ()
    assert news([opened, closed, again], [opened, closed]) == (closed,)


def test_an_incident_that_opened_later_has_no_part_before() -> None:
    assert Spell(at(1), (Change("opened", at(2)),)).until(at(2)) is None
