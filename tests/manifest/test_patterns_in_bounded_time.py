"""A pattern of a model is one that every engine matches in time proportional to the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.documents.regular_expressions import REPEAT_MAX, pattern_problem

# Patterns whose match by backtracking takes longer than anybody waits, with a text that shows it.
CATASTROPHIC = {
    "(a+)+b": "a" * 40,
    "(a|a)*b": "a" * 40,
    "(.*)*x": "y" * 40,
    r"(\w+\s?)*$!": "word " * 20,
    "(x+x+)+y": "x" * 40,
    "([a-zA-Z]+)*@": "a" * 60,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", CATASTROPHIC)
def test_a_catastrophic_pattern_is_matched_by_the_platforms_engines_in_bounded_time(pattern: str) -> None:
    """DuckDB and Arrow match it in linear time. A hang fails the time limit of the test."""
    import duckdb
    import pyarrow
    import pyarrow.compute

    assert pattern_problem(pattern) is None
    text = CATASTROPHIC[pattern] * 1000
    assert duckdb.sql("SELECT regexp_full_match($text, $pattern)", params={"text": text, "pattern": pattern}).fetchall()
    found = pyarrow.compute.match_substring_regex(pyarrow.array([text]), f"^(?:{pattern})$")
    assert found.to_pylist() == [False]


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        (r"(a)\1", "a back-reference"),
        ("(?P<first>a)(?P=first)", "a back-reference"),
        ("(?=a)b", "a look-ahead or look-behind"),
        ("a(?!b)", "a look-ahead or look-behind"),
        ("((?<=a)b)*", "a look-ahead or look-behind"),
        ("(a)?(?(1)b|c)", "a condition on a group"),
        ("(?>a+)b", "an atomic group"),
        ("a++b", "a possessive repeat"),
        ("a{1001}", f"more than {REPEAT_MAX} repeats"),
        ("((a{100}){100})", f"more than {REPEAT_MAX} repeats"),
        ("(a{2,65535}){2,65535}", f"more than {REPEAT_MAX} repeats"),
    ],
)
def test_a_pattern_that_needs_backtracking_is_refused_with_the_part(pattern: str, part: str) -> None:
    """A pattern with a back-reference or look-around was once accepted. No engine matches it in bounded time."""
    assert pattern_problem(pattern) == f"expected one that is matched in bounded time (RE2): it has {part}"


@pytest.mark.parametrize("pattern", ["(", "(" * 5000, "a{99999999999}", "[z-a]", "*"])
def test_a_text_that_is_no_pattern_is_refused(pattern: str) -> None:
    assert (pattern_problem(pattern) or "").startswith("expected a regular expression: ")


@given(pattern=st.text(st.sampled_from("ab()[]{}|*+?.^$\\1,=!<>:dwP-"), max_size=20))
def test_an_accepted_pattern_compiles_in_the_engines(pattern: str) -> None:
    import duckdb

    if pattern_problem(pattern) is None:
        duckdb.sql("SELECT regexp_full_match('a', $pattern)", params={"pattern": pattern}).fetchall()
