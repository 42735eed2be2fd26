"""Tables fit the terminal, and have one line for each row in a pipe or file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alchemesh_cli.render.text.table import pair_lines, table_lines

ROWS = [
    ("delta-table", "beta", "A Delta table for each model, there before the first row."),
    ("roapi", "stable", "SQL, REST and GraphQL."),
]
HEADS = ("component", "maturity", "what it is")


def test_without_a_terminal_a_row_is_a_line() -> None:
    assert list(table_lines(HEADS, ROWS, None)) == [
        "COMPONENT    MATURITY  WHAT IT IS",
        "delta-table  beta      A Delta table for each model, there before the first row.",
        "roapi        stable    SQL, REST and GraphQL.",
    ]


def test_a_long_last_cell_is_wrapped() -> None:
    assert list(table_lines(HEADS, ROWS, 60)) == [
        "COMPONENT    MATURITY  WHAT IT IS",
        "delta-table  beta      A Delta table for each model, there",
        "                       before the first row.",
        "roapi        stable    SQL, REST and GraphQL.",
    ]


def test_a_last_cell_without_room_is_moved_below_its_row() -> None:
    assert list(table_lines(HEADS, ROWS, 45)) == [
        "COMPONENT    MATURITY",
        "delta-table  beta",
        "  A Delta table for each model, there before",
        "  the first row.",
        "roapi        stable",
        "  SQL, REST and GraphQL.",
    ]


def test_pairs_are_indented_and_wrapped() -> None:
    assert list(pair_lines([("when", "a b c d"), ("x", "")], 14)) == ["  when  a b c", "        d", "  x"]


WORDS = st.text("abc ", max_size=60).map(str.strip)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=5), st.integers(100, 200))
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(rows: list[tuple[str, str]], width: int) -> None:
    lines = list(table_lines(("one", "other"), rows, width))
    assert all(len(line) <= width for line in lines)
    words = " ".join(lines[1:]).split()
    assert sorted(words) == sorted(word for row in rows for cell in row for word in cell.split())


def test_columns_that_do_not_fit_are_moved_below_their_row_with_names() -> None:
    """In a narrow terminal the rows of `access list` were once broken in the middle of a word."""
    heads = ("request", "state", "port", "ends", "purpose")
    rows = [
        ("req-1", "requested", "aviation/flights/flights-table", "", "how punctual carriers are"),
        ("req-2", "granted", "aviation/flights/raw", "2027-12-31", "a study"),
    ]
    assert list(table_lines(heads, rows, 36)) == [
        "REQUEST  STATE",
        "req-1    requested",
        "  port     aviation/flights/flights-table",
        "  purpose  how punctual carriers are",
        "req-2    granted",
        "  port     aviation/flights/raw",
        "  ends     2027-12-31",
        "  purpose  a study",
    ]
