"""The end of access, in the forms that users write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.access.requests.until import BadEnd, parse_until

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("90d", NOW + timedelta(days=90)),
        ("2w", NOW + timedelta(days=14)),
        ("2026-01-05", datetime(2026, 1, 6, tzinfo=UTC)),
        ("2027-12-31", datetime(2028, 1, 1, tzinfo=UTC)),
        ("2027-12-31T18:00:00+01:00", datetime(2027, 12, 31, 17, tzinfo=UTC)),
        ("2027-12-31 18:00", datetime(2027, 12, 31, 18, tzinfo=UTC)),
        ("2027-12-31T18:00:00Z", datetime(2027, 12, 31, 18, tzinfo=UTC)),
    ],
)
def test_dates_moments_and_spans_are_read(text: str, end: datetime) -> None:
    assert parse_until(text, NOW) == end


@pytest.mark.parametrize("text", ["2026-01-04", "2020-01-01T00:00:00Z", "0d"])
def test_an_end_in_the_past_is_refused_with_the_current_time(text: str) -> None:
    with pytest.raises(BadEnd, match="expected one after now, 2026-01-05 12:00 UTC"):
        parse_until(text, NOW)


@pytest.mark.parametrize("text", ["", "tomorrow", "31.12.2027", "2027-13-01", "9999-12-31", "90 days", "1e9d"])
def test_an_invalid_end_is_refused_with_the_expected_form(text: str) -> None:
    with pytest.raises(BadEnd, match="expected a date"):
        parse_until(text, NOW)


@given(st.text())
def test_any_text_is_a_future_end_or_is_refused(text: str) -> None:
    try:
        assert parse_until(text, NOW) > NOW
    except BadEnd as refused:
        assert refused.message.startswith("found the end")
