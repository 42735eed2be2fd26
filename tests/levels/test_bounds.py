"""Bounds of uptime: the true number of slices always lies between them."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.levels.bounds import Slices, of_protocols

State = st.sampled_from([True, False, None])  # the protocol answered, did not, or nobody probed


def counts(states: list[bool | None]) -> tuple[int, int]:
    known = [each for each in states if each is not None]
    return sum(known), len(known)


@given(st.lists(st.tuples(State, State, st.booleans(), st.booleans()), min_size=1, max_size=60), st.data())
def test_the_true_uptime_of_two_protocols_lies_between_the_bounds(
    slices: list[tuple[bool | None, bool | None, bool, bool]], data: st.DataObject
) -> None:
    # Of each slice: what two probes saw, and what was true where nobody probed.
    truth = [
        (one if one is not None else hidden) and (other if other is not None else also)
        for one, other, hidden, also in slices
    ]
    whole = of_protocols(len(slices), [counts([s[0] for s in slices]), counts([s[1] for s in slices])], 2)

    assert whole.total == len(slices)
    assert whole.up <= sum(truth) <= whole.total - whole.down
    counted = data.draw(st.integers(0, len(slices)))
    first = data.draw(st.integers(0, len(slices) - counted))
    part = whole.part(counted)
    assert part.up <= sum(truth[first : first + counted]) <= part.total - part.down
    assert 0 <= part.up + part.down <= part.total == counted


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 60))
def test_more_probes_than_slices_are_no_more_slices(good: int, bad: int, slices: int) -> None:
    found = of_protocols(slices, [(good, good + bad)], 1)

    assert 0 <= found.up + found.down <= slices
    assert 0 <= found.lower <= found.upper <= 1


def test_a_protocol_without_probes_leaves_the_port_unknown_or_down() -> None:
    assert of_protocols(60, [(59, 60)], 2) == Slices(60, 0, 1)
    assert of_protocols(60, [], 1) == Slices(60, 0, 0)


def test_protocols_that_fail_in_different_slices_add_up_at_worst() -> None:
    assert of_protocols(60, [(58, 60), (57, 60)], 2) == Slices(60, 55, 3)
    assert Fraction(55, 60) == Fraction(of_protocols(60, [(58, 60), (57, 60)], 2).up, 60)


def test_an_empty_span_has_no_contradiction() -> None:
    assert (Slices().lower, Slices().upper, Slices(3, 1, 1) + Slices(2, 1, 0)) == (0.0, 1.0, Slices(5, 2, 1))
