"""Comparing business tests: the stronger one promises at least as much as the weaker one."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.contracts.compatibility.quality import compared, substance
from alchemesh_platform.manifest.models import QualityRule
from tests.contracts.promises import comparisons
from tests.lanes import examples

MODELS = ["flight"]
COUNT = {"type": "library", "metric": "rowCount"}


def rule(**said: Any) -> QualityRule:
    return QualityRule.model_validate({"name": "test", "type": "sql", "query": "SELECT 1", **said})


def implies(stronger: dict[str, Any], weaker: dict[str, Any], models: list[str] = MODELS) -> bool:
    return substance(rule(**stronger), models).implies(substance(rule(**weaker), models))


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ({"mustBe": 3}, {"mustBeBetween": [1, 5]}),
        ({"mustBeBetween": [2, 3]}, {"mustBeBetween": [1, 5]}),
        ({"mustBeLessThan": 5}, {"mustBeLessOrEqualTo": 5}),
        ({"mustBeGreaterThan": 5}, {"mustBeGreaterOrEqualTo": 5}),
        ({"mustBeGreaterThan": 5}, {"mustNotBe": 5}),
        ({"mustBeLessThan": 1}, {"mustNotBeBetween": [1, 5]}),
        ({"mustNotBeBetween": [1, 5]}, {"mustNotBe": 3}),
        ({"mustBe": "yes"}, {"mustNotBe": "no"}),
        ({"mustBe": 5}, {"mustNotBe": "no"}),
        ({"mustBe": "five"}, {"mustNotBe": 5}),
    ],
)
def test_fewer_values_that_pass_promise_more(stronger: dict[str, Any], weaker: dict[str, Any]) -> None:
    assert implies(stronger, weaker)
    assert not implies(weaker, stronger)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"mustBe": 3}, {"mustBe": 4}),
        ({"mustBe": 3}, {"mustBe": "3"}),
        ({"mustBe": 3}, {"mustBe": 3, "query": "SELECT 2"}),
        ({"mustBeBetween": [1, 3]}, {"mustBeBetween": [2, 4]}),
        ({"mustBe": 3, "query": "SELECT 'a  b'"}, {"mustBe": 3, "query": "SELECT 'a b'"}),
    ],
)
def test_unrelated_tests_promise_nothing_about_each_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not implies(one, other)
    assert not implies(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"mustBe": 3}, {"mustBeBetween": [3, 3]}),
        ({"mustNotBe": 3}, {"mustNotBeBetween": [3, 3]}),
        ({"mustBe": 0, "query": "SELECT  1\n"}, {"mustBe": 0, "query": "SELECT 1"}),
        ({**COUNT, "model": "flight", "mustBe": 0}, {**COUNT, "mustBe": 0}),
        ({**COUNT, "unit": "rows", "mustBe": 0}, {**COUNT, "mustBe": 0}),
        ({**COUNT, "mustBeLessOrEqualTo": 0}, {**COUNT, "mustBe": 0}),
        ({"severity": "error", "mustBe": 0}, {"mustBe": 0}),
    ],
)
def test_other_spellings_promise_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert implies(one, other)
    assert implies(other, one)


def test_a_query_can_return_a_negative_number() -> None:
    assert not implies({"mustBeLessOrEqualTo": 0}, {"mustBe": 0})


def test_a_metric_applies_to_the_model_that_it_names() -> None:
    one = {**COUNT, "mustBe": 0}
    assert not implies(one, {**one, "model": "flight"}, ["flight", "airline"])


def passes(said: dict[str, Any], value: float | str) -> bool:
    """The comparison, as ODCS words it."""
    [(operator, bound)] = said.items()
    if operator == "mustBe":
        return bool(value == bound)
    if operator == "mustNotBe":
        return bool(value != bound)
    if isinstance(value, str):
        return operator == "mustNotBeBetween"
    low, high = bound if isinstance(bound, tuple) else (bound, bound)
    return {
        "mustBeGreaterThan": value > low,
        "mustBeGreaterOrEqualTo": value >= low,
        "mustBeLessThan": value < low,
        "mustBeLessOrEqualTo": value <= low,
        "mustBeBetween": low <= value <= high,
        "mustNotBeBetween": value < low or value > high,
    }[operator]


@settings(max_examples=examples(300), deadline=None, database=None)
@given(comparisons(), comparisons(), st.floats(allow_nan=False) | st.text(max_size=3))
def test_values_that_pass_the_stronger_test_pass_the_weaker_one(
    stronger: dict[str, Any], weaker: dict[str, Any], value: float | str
) -> None:
    probes: list[Any] = [value, math.inf, -math.inf, *values_of(stronger), *values_of(weaker)]
    passing = [probe for probe in probes if passes(stronger, probe)]
    if implies(stronger, weaker):
        assert all(passes(weaker, probe) for probe in passing)
    else:  # a value that passes only one of two tests is at a bound, next to one, or between two
        near = [math.nextafter(each, way) for each in numbers(probes) for way in (math.inf, -math.inf)]
        between = [(a + b) / 2 for a in numbers(probes) for b in numbers(probes) if math.isfinite(a + b)]
        texts = ["another text"]
        assert any(passes(stronger, each) and not passes(weaker, each) for each in [*probes, *near, *between, *texts])


def values_of(said: dict[str, Any]) -> list[Any]:
    [bound] = said.values()
    return list(bound) if isinstance(bound, tuple) else [bound]


def numbers(values: list[Any]) -> list[float]:
    return [value for value in values if not isinstance(value, str)]


def test_a_comparison_is_shown_as_it_is_written() -> None:
    assert compared(rule(mustBeBetween=[1, 5])) == "mustBeBetween 1 and 5"
    assert compared(rule(mustBe="yes")) == "mustBe 'yes'"
    assert compared(rule(mustBeGreaterThan=1, mustBeLessThan=5)) == "mustBeGreaterThan 1, mustBeLessThan 5"
    assert compared(rule(type="text", query=None)) == ""
