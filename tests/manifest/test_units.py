"""Values with units."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from alchemesh_platform.base.units import (
    Duration,
    Percent,
    format_duration,
    format_percent,
    parse_duration,
    parse_percent,
)

CENTURY = timedelta(days=36_500)


@given(st.timedeltas(timedelta(0), CENTURY).map(lambda span: span // timedelta(milliseconds=1)))
def test_duration_is_read_as_it_was_written(milliseconds: int) -> None:
    span = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(span)) == span


@given(st.integers(0, 10**12), st.sampled_from(["ms", "s", "m", "h", "d", "w"]))
def test_duration_is_a_number_of_its_unit_or_too_long(number: int, unit: str) -> None:
    one = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "m": timedelta(minutes=1)}
    one |= {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    if number > CENTURY / one[unit]:
        with pytest.raises(ValueError, match="at most 100 years"):
            parse_duration(f"{number}{unit}")
    else:
        assert parse_duration(f"{number}{unit}") == number * one[unit]


@pytest.mark.parametrize("text", ["", "3", "h", "1.5h", "-1h", "1 h", "1h\n", "1H", "1y", "1h30m", "१h", 3, None, 1.5])
def test_an_invalid_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


def test_largest_number_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="at most 100 years"):
        parse_duration("9" * 1_000_000 + "ms")


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "0ms"),
        (timedelta(milliseconds=300), "300ms"),
        (timedelta(seconds=90), "90s"),
        (timedelta(hours=1), "1h"),
        (timedelta(weeks=2), "14d"),
    ],
)
def test_duration_is_written_in_its_largest_whole_unit(span: timedelta, text: str) -> None:
    assert format_duration(span) == text


@given(st.decimals(0, 100, places=7).map(float))
def test_percentage_is_read_as_it_was_written(value: float) -> None:
    assert parse_percent(format_percent(value)) == value


@pytest.mark.parametrize(
    "text", ["", "%", "99.5", "101%", "100.1%", "-1%", "9999%", "5 %", "5%\n", ".5%", "٣%", 99.5, 5]
)
def test_an_invalid_percentage_is_refused(text: object) -> None:
    """A bare 0.995 was once taken for 0.995 percent."""
    with pytest.raises(ValueError, match="expected a percentage"):
        parse_percent(text)


def test_units_of_models_survive_a_round_trip() -> None:
    class Levels(BaseModel):
        uptime: Percent
        response_time: Duration

    levels = Levels.model_validate({"uptime": "99.5%", "response_time": "300ms"})
    assert levels.model_dump(mode="json") == {"uptime": "99.5%", "response_time": "300ms"}
    assert Levels.model_validate(levels.model_dump()) == levels
    assert Levels.model_validate_json(levels.model_dump_json()) == levels
