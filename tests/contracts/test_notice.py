"""The date from which a change with a notice period is allowed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.contracts.compatibility.diff import diff_port
from alchemesh_platform.contracts.notices.period import NOTICES, Held, Notice, NoticeOf, held, notice_needed
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.manifest.models import Contract
from tests.lanes import examples

GIVEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
PERIOD = timedelta(days=90)
PASSES = datetime(2026, 4, 1, 12, tzinfo=UTC)
PORT = "aviation/flights/flights-table"


class SpringForward(tzinfo):
    """The time of a place where clocks go from one hour ahead of UTC to two on 29 March 2026 at two."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        assert moment is not None
        return timedelta(hours=2 if moment.replace(tzinfo=None) >= datetime(2026, 3, 29, 2) else 1)

    def dst(self, moment: datetime | None) -> timedelta:
        return self.utcoffset(moment) - timedelta(hours=1)

    def tzname(self, moment: datetime | None) -> str:
        return f"UTC+{self.utcoffset(moment)}"


OFFSETS = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))


def given_for(what: NoticeOf, version: str = "2.0.0", at: datetime = GIVEN, period: timedelta = PERIOD) -> Notice:
    return Notice(what, version, at, period)


def asked(
    change: NoticeOf | None = "breaking-change",
    notices: tuple[Notice, ...] = (),
    period: timedelta | None = PERIOD,
    consumers: tuple[str, ...] = ("marketing/campaigns",),
    now: datetime = GIVEN,
    version: str = "2.0.0",
) -> Held | None:
    return held(change, notices, period, consumers, now, port=PORT, version=version)


def test_without_notice_the_message_names_consumers_day_and_command() -> None:
    waiting = asked(consumers=("team:operations", "marketing/campaigns"))
    assert waiting is not None
    assert waiting.message == (
        "aviation/flights/flights-table: the breaking change waits for marketing/campaigns and team:operations, "
        "who hold grants. No notice was given; with a notice given now, it is allowed from 2026-04-01 12:00 UTC."
    )
    assert waiting.hint == "`alchemesh contract notice flights-table breaking-change` gives notice of 90 days"
    assert (waiting.passes_at, waiting.given) == (PASSES, None)


def test_with_notice_the_message_names_the_date_from_which_the_change_is_allowed() -> None:
    notice = given_for("breaking-change")
    waiting = asked(notices=(notice,), now=PASSES - timedelta(seconds=1))
    assert waiting is not None
    assert waiting.message == (
        "aviation/flights/flights-table: the breaking change waits for marketing/campaigns, who holds a grant. "
        "Notice was given on 2026-01-01 12:00 UTC; it is allowed from 2026-04-01 12:00 UTC."
    )
    assert (waiting.what, waiting.passes_at, waiting.given) == ("breaking-change", PASSES, notice)
    assert waiting.hint == "keep the contract until then; a compatible change is allowed now"


def test_the_change_is_allowed_exactly_when_the_period_ends() -> None:
    notices = (given_for("breaking-change"),)
    assert asked(notices=notices, now=PASSES - timedelta(microseconds=1)) is not None
    assert asked(notices=notices, now=PASSES) is None
    assert asked(notices=notices, now=PASSES + timedelta(days=1)) is None


@pytest.mark.parametrize("consumers", [(), ("marketing/campaigns",)])
@pytest.mark.parametrize("period", [None, timedelta(0)])
def test_a_change_without_a_notice_period_does_not_wait(period: timedelta | None, consumers: tuple[str, ...]) -> None:
    assert asked(period=period, consumers=consumers) is None


def test_a_change_without_consumers_does_not_wait() -> None:
    assert asked(consumers=()) is None


@pytest.mark.parametrize("change", [None, "deprecation"])
def test_a_change_that_removes_nothing_does_not_wait(change: NoticeOf | None) -> None:
    assert asked(change) is None


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ("breaking-change", {"breaking-change", "deprecation", "retirement", "removal"}),
        ("retirement", {"deprecation", "retirement", "removal"}),
        ("removal", {"deprecation", "retirement", "removal"}),
    ],
)
def test_a_notice_covers_the_changes_that_its_kind_implies(change: NoticeOf, reported: set[str]) -> None:
    assert {what for what in NOTICES if asked(change, (given_for(what),), now=PASSES) is None} == reported


def test_a_notice_for_another_major_version_does_not_count() -> None:
    assert asked(notices=(given_for("breaking-change", "1.4.0"),), now=PASSES) is not None
    assert asked(notices=(given_for("breaking-change", "2.0.0"),), now=PASSES, version="2.3.1") is None
    assert asked(notices=(given_for("breaking-change", "2.0.0"),), now=PASSES, version="20.0.0") is not None


def test_the_earliest_of_several_notices_counts() -> None:
    late = given_for("breaking-change", at=GIVEN + timedelta(days=5))
    early = given_for("removal")
    waiting = asked(notices=(late, early))
    assert waiting is not None
    assert waiting.given == early


def test_the_current_period_decides_the_earliest_of_several_notices() -> None:
    """The longer period counts: a later notice with a shorter period does not take effect first."""
    early = given_for("breaking-change")
    late = given_for("removal", at=GIVEN + timedelta(days=5), period=timedelta(days=1))
    waiting = asked(notices=(late, early))
    assert waiting is not None
    assert (waiting.given, waiting.passes_at) == (early, PASSES)


def test_a_change_that_waits_as_json() -> None:
    waiting = asked(consumers=("team:operations", "marketing/campaigns"))
    assert waiting is not None
    assert waiting.as_json() == {
        "what": "breaking-change",
        "consumers": ["marketing/campaigns", "team:operations"],
        "passes_at": "2026-04-01T12:00:00+00:00",
        "given_at": None,
        "message": waiting.message,
        "hint": "`alchemesh contract notice flights-table breaking-change` gives notice of 90 days",
        "commands": [["alchemesh", "contract", "notice", "flights-table", "breaking-change"]],
    }
    at = GIVEN.astimezone(timezone(timedelta(hours=2)))
    after_notice = asked(notices=(given_for("removal", at=at),))
    assert after_notice is not None
    assert after_notice.as_json()["given_at"] == "2026-01-01T12:00:00+00:00"


def test_five_consumers_are_named_and_more_are_counted() -> None:
    names = [f"team-{number}" for number in range(7)]
    five, seven = asked(consumers=tuple(names[:5])), asked(consumers=tuple(names))
    assert five is not None and seven is not None
    assert "waits for team-0, team-1, team-2, team-3 and team-4, who hold grants" in five.message
    assert "waits for team-0, team-1, team-2, team-3, team-4 and 2 more, who hold grants" in seven.message


def test_times_are_shown_in_utc_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        waiting = asked()
        assert waiting is not None
        assert "it is allowed from 2026-04-01 12:00 UTC" in waiting.message
        assert waiting.passes_at.isoformat() == "2026-04-01T12:00:00+00:00"
        assert given_for("removal").passes_at().isoformat() == "2026-04-01T12:00:00+00:00"
        after_notice = asked(notices=(given_for("removal"),))
        assert after_notice is not None
        assert after_notice.as_json()["given_at"] == "2026-01-01T12:00:00+00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_started_minute_is_rounded_up() -> None:
    waiting = asked(now=GIVEN + timedelta(microseconds=1))
    assert waiting is not None
    assert "it is allowed from 2026-04-01 12:01 UTC" in waiting.message


def test_a_time_zone_without_an_offset_is_no_time_zone() -> None:
    class Nowhere(tzinfo):
        def utcoffset(self, moment: datetime | None) -> None:
            return None

    with pytest.raises(ValueError, match="has no time zone"):
        asked(now=datetime(2026, 1, 1, tzinfo=Nowhere()))


def test_the_longer_of_the_old_and_the_current_period_counts() -> None:
    notice = given_for("breaking-change", period=timedelta(days=30))
    assert notice.passes_at() == GIVEN + timedelta(days=30)
    assert given_for("removal", period=timedelta(hours=1)).passes_at() == GIVEN + timedelta(hours=1)
    assert notice.passes_at(timedelta(days=10)) == GIVEN + timedelta(days=30)
    assert notice.passes_at(PERIOD) == PASSES
    assert asked(notices=(notice,), now=GIVEN + timedelta(days=31)) is not None


def test_a_day_has_24_hours_also_when_clocks_change() -> None:
    given = datetime(2026, 3, 28, 12, tzinfo=SpringForward())
    notice = given_for("breaking-change", at=given, period=timedelta(days=2))
    assert notice.passes_at() == datetime(2026, 3, 30, 11, tzinfo=UTC)
    assert given + timedelta(days=2) == datetime(2026, 3, 30, 10, tzinfo=UTC), "what must not be counted in"


def test_the_time_zone_of_the_caller_does_not_matter() -> None:
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    notices = (given_for("breaking-change", at=GIVEN.astimezone(east)),)
    assert asked(notices=notices, now=PASSES.astimezone(west)) is None
    assert asked(notices=notices, now=(PASSES - timedelta(seconds=1)).astimezone(west)) is not None


def test_a_time_without_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # calls that raise an error
    with pytest.raises(ValueError, match="no time zone"):
        given_for("removal", at=naive)
    with pytest.raises(ValueError, match="no time zone"):
        asked(now=naive)


def test_the_time_shown_is_never_before_the_change_is_allowed() -> None:
    now = GIVEN.replace(second=1)
    waiting = asked(now=now)
    assert waiting is not None
    assert waiting.passes_at == PASSES.replace(second=1)
    assert "2026-04-01 12:01 UTC" in waiting.message


def test_many_consumers_are_counted_and_all_are_kept() -> None:
    names = tuple(f"domain/product-{number}" for number in range(9, 0, -1))
    waiting = asked(consumers=names)
    assert waiting is not None
    assert "domain/product-5 and 4 more" in waiting.message
    assert waiting.consumers == tuple(sorted(names))


def test_a_period_of_a_century_and_one_of_a_millisecond() -> None:
    century = timedelta(days=36_500)
    waiting = asked(period=century)
    assert waiting is not None and waiting.passes_at == GIVEN + century
    assert "36500 days" in waiting.hint
    shortest = asked(period=timedelta(milliseconds=1))
    assert shortest is not None and "1ms" in shortest.hint


@settings(max_examples=examples(200), deadline=None, database=None)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=OFFSETS),
    st.timedeltas(timedelta(milliseconds=1), timedelta(days=1000)),
    st.timedeltas(timedelta(days=-1), timedelta(days=1100)),
)
def test_a_change_is_held_until_its_day_and_never_after(at: datetime, period: timedelta, later: timedelta) -> None:
    notice = given_for("retirement", at=at, period=period)
    now = at.astimezone(UTC) + later
    waiting = asked("retirement", (notice,), period, now=now)
    assert (waiting is None) == (later >= period)
    assert waiting is None or waiting.passes_at == notice.passes_at(period) > now


def promise(lifecycle: str = "active", **said: Any) -> PromisedPort:
    return PromisedPort(Contract.model_validate({"version": "2.0.0", "lifecycle": lifecycle, **said}), {}, ("sql",))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (promise(), None, "removal"),
        (promise(), PromisedPort(None, {}, ("sql",)), "removal"),
        (promise("deprecated"), promise("retired"), "retirement"),
        (promise(), promise(terms={"usage": "Otherwise."}), "breaking-change"),
        (promise(), promise("deprecated"), None),
        (promise(), promise(access="public"), None),
        (promise("draft"), None, None),
        (promise("retired"), None, None),
        (PromisedPort(None, {}, ("sql",)), None, None),
        (None, promise(), None),
    ],
)
def test_a_change_that_removes_something_from_consumers_needs_notice(
    before: PromisedPort | None, after: PromisedPort | None, expected: str | None
) -> None:
    assert notice_needed(before, after, diff_port(before, after)) == expected
