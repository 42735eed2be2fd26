"""Lines of the log of requests, also hostile and damaged ones."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from alchemesh_platform.sdk.system.usage import Slots, UsageCount
from alchemesh_platform.systems.local.data_api.metering.requests import RequestCounter, User
from tests.systems.local.metering.logs import NOON, request

KNOWN = {"ops": User("operations/punctuality", "req-1"), "health": User(own=True)}


def counted(*lines: bytes, cuts: tuple[datetime, ...] = ()) -> list[UsageCount]:
    counter = RequestCounter(Slots(cuts))
    assert all(counter.take(line) for line in lines)
    return list(counter.counts(lambda name: KNOWN.get(name, User())))


def test_requests_are_counted_by_hour_user_and_protocol() -> None:
    graphql = request(user="ops", uri="/api/graphql", rows="5", size=100)
    found = counted(request(user="ops"), request(3_599, user="ops"), request(3_600, user="ops"), graphql)

    assert [(each.since, each.protocol, each.requests, each.rows) for each in found] == [
        (NOON, "graphql", 1, 5),
        (NOON, "rest", 2, 4),
        (NOON + timedelta(hours=1), "rest", 1, 2),
    ]
    assert found[0] == UsageCount(
        protocol="graphql",
        user="ops",
        consumer="operations/punctuality",
        request="req-1",
        since=NOON,
        requests=1,
        billable_requests=1,
        bytes_out=100,
        rows=5,
        seconds=0.5,
    )


@pytest.mark.parametrize(
    ("status", "billable", "errors"), [(200, 1, 0), (401, 0, 1), (404, 0, 1), (503, 0, 1), (0, 0, 1)]
)
def test_failed_requests_are_errors_and_not_billable(status: int, billable: int, errors: int) -> None:
    (found,) = counted(request(user="ops", status=status))

    assert (found.requests, found.billable_requests, found.errors) == (1, billable, errors)


def test_failed_requests_are_counted_apart_so_that_their_bytes_are_not_billed() -> None:
    found = counted(request(user="ops", size=100), request(user="ops", status=404, size=70, rows=""))

    assert [(each.billable_requests, each.errors, each.bytes_out) for each in found] == [(1, 0, 100), (0, 1, 70)]


def test_requests_without_a_credential_and_own_requests_are_not_billable() -> None:
    nobody, own = counted(request(user="", status=401, rows=""), request(user="health"))

    assert (nobody.user, nobody.billable_requests, nobody.errors) == ("", 0, 1)
    assert (own.own, own.requests, own.billable_requests) == (True, 1, 0)


def test_requests_whose_rows_are_unknown_are_counted_apart() -> None:
    stream, old, page, schema = (
        request(user="ops", rows=""),
        request(user="ops", rows=None),
        request(user="ops", rows="7"),
        request(user="ops", uri="/api/schema", rows=""),
    )

    assert [(each.requests, each.rows) for each in counted(stream, old, page, schema)] == [(2, None), (2, 7)]


def test_an_hour_is_cut_where_the_version_of_the_contract_changed() -> None:
    cut = NOON + timedelta(minutes=20)
    found = counted(request(user="ops"), request(1_199, user="ops"), request(1_200, user="ops"), cuts=(cut,))

    assert [(each.since, each.requests) for each in found] == [(NOON, 2), (cut, 1)]


@pytest.mark.parametrize("begun", [-7_200, -1, 0, 3_599, 3_600, 9_000])
def test_a_cut_starts_a_slot_at_its_own_time(begun: int) -> None:
    slots, cut = Slots([NOON + timedelta(seconds=begun)]), NOON + timedelta(seconds=begun)
    for seconds in range(-7_300, 9_100, 100):
        at = NOON + timedelta(seconds=seconds)
        hour = at.replace(minute=0, second=0)
        assert slots.start(at.timestamp()) == (cut if hour < cut <= at else hour)


HOSTILE = [
    b"",
    b"not json",
    b"\x00\xff\xfe\x80",
    b"[]",
    b"null",
    b"{}",
    b'{"request": null}',
    b"[" * 100_000,
    request(ts="yesterday"),
    request(at=1e18),
    request(at=float("nan")),
    request(size=-1),
    request(size=2**60),
    request(duration=-1.0),
    request(duration="1e999"),
    request(status="200"),
    request(user_id=None),
    request(uri=None),  # type: ignore[arg-type]
    request(size=True),
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_a_line_that_is_no_request_is_refused_and_counts_nothing(line: bytes) -> None:
    counter = RequestCounter(Slots())

    assert not counter.take(line)
    assert list(counter.counts(lambda _: User())) == []


@pytest.mark.parametrize(
    "text", ['x"}\n{"level":"info"}', "\x00\x1b[31m", "ü\ud800", '","user_id":"owner', "a" * 100_000, "%0a%0d{"]
)
def test_texts_of_a_client_cannot_add_or_change_a_request(text: str) -> None:
    (found,) = counted(
        request(user="ops", uri=f"/api/tables/{text}"), request(user="ops", headers={"User-Agent": text})
    )

    assert (found.user, found.requests, found.bytes_out) == ("ops", 2, 56)


@pytest.mark.parametrize("rows", ["-1", "1e9", "٣", "9" * 400, "1, 2", " 3"])
def test_a_number_of_rows_that_is_none_is_unknown(rows: str) -> None:
    assert [each.rows for each in counted(request(user="ops", rows=rows))] == [None]


def test_a_line_after_a_cut_off_one_is_counted_and_the_damage_is_reported() -> None:
    """A gateway that is killed while it writes leaves the beginning of a line, and its successor appends to it."""
    counter = RequestCounter(Slots())
    whole = request(user="ops")

    assert not counter.take(whole[:100] + whole)
    assert [each.requests for each in counter.counts(lambda name: KNOWN[name])] == [1]


def test_a_line_of_the_gateway_has_these_fields() -> None:
    assert set(json.loads(request())) >= {"ts", "request", "user_id", "duration", "size", "status", "rows"}
