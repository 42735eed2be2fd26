"""Counters that restart, and users that leave and come back."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from alchemesh_platform.sdk.system.usage import Slots
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.metering import counters
from alchemesh_platform.systems.local.data_api.metering.counters import COUNTERS_LOG, CounterReader, record_counters
from alchemesh_platform.systems.local.data_api.metering.requests import User
from alchemesh_platform.systems.local.data_api.metering.sources import SqlCounters
from alchemesh_platform.systems.local.data_api.sql_query import PostgresRefused
from tests.systems.local.metering.logs import NOON


def record(at: float, server: str = "1:1", last: bool = False, **users: int) -> bytes:
    """A record some seconds after noon: each user's queries, with 100 bytes and 2 ms each."""
    numbers = {user: [queries, queries * 100, queries * 2_000] for user, queries in users.items()}
    return json.dumps({"at": NOON.timestamp() + at, "server": server, "users": numbers, "last": last}).encode()


def read(*records: bytes, reader: CounterReader | None = None) -> tuple[dict[str, int], CounterReader]:
    """The queries by user, and the reader."""
    reader = reader or CounterReader(None, Slots())
    assert all(reader.take(each) for each in records)
    found: dict[str, int] = {}
    for each in reader.counts(lambda _: User()):
        found[each.user] = found.get(each.user, 0) + each.requests
    return found, reader


def test_differences_of_counters_are_counted_in_the_hour_of_the_record() -> None:
    reader = CounterReader(None, Slots())
    for each in (record(0, ops=5), record(60, ops=5), record(3_700, ops=12, other=1)):
        assert reader.take(each)
    first, *later = reader.counts(User)

    assert (first.since, first.requests, first.bytes_out, first.seconds) == (NOON, 5, 500, 0.01)
    assert [(each.since - NOON, each.user, each.requests) for each in later] == [
        (timedelta(hours=1), "ops", 7),
        (timedelta(hours=1), "other", 1),
    ]
    assert (first.protocol, first.errors, first.rows, first.billable_requests) == ("sql", None, None, 5)


def test_a_record_that_is_written_twice_adds_nothing() -> None:
    assert read(record(0, ops=5), record(0, ops=5), record(1, ops=5))[0] == {"ops": 5}


def test_counting_resumes_from_the_last_record() -> None:
    _, first = read(record(0, ops=5))
    later = CounterReader(json.loads(json.dumps(first.last)), Slots())

    assert read(record(60, ops=9), reader=later)[0] == {"ops": 4}


def test_counters_of_a_restarted_server_begin_at_zero_and_the_lost_time_is_a_gap() -> None:
    found, reader = read(record(0, ops=5), record(60, "2:2", ops=7))

    assert found == {"ops": 12}
    (gap,) = reader.gaps
    assert (gap.since, gap.until) == (NOON, NOON + timedelta(seconds=60))
    assert gap.reason == "PgBouncer restarted without a last reading: its queries since the one before are not counted"


def test_a_server_that_was_stopped_after_a_last_record_leaves_no_gap() -> None:
    found, reader = read(record(0, ops=5), record(50, last=True, ops=6), record(60, "2:2", ops=7))

    assert (found, reader.gaps) == ({"ops": 13}, [])


def test_a_user_that_left_and_came_back_begins_at_zero() -> None:
    assert read(record(0, ops=5), record(10), record(20, ops=8))[0] == {"ops": 13}
    assert read(record(0, ops=5), record(20, ops=3))[0] == {"ops": 8}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"at": 1}',
        record(0, ops=-1),
        record(1e30, ops=1),
        b'{"at":1,"server":"","users":{"a":[1]}}',
    ],
)
def test_a_damaged_record_is_refused_and_counts_nothing(line: bytes) -> None:
    reader = CounterReader(None, Slots())

    assert not reader.take(line)
    assert read(record(0, ops=5), reader=reader)[0] == {"ops": 5}


def test_records_are_private_and_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"database": "ops", "total_query_count": 3, "total_sent": 30, "total_query_time": 300}
    monkeypatch.setattr(counters, "simple_query", lambda *_, **__: [row, {**row, "database": "pgbouncer"}])
    monkeypatch.setattr(counters, "_BYTES_MAX", 150)  # a record has 60 to 70 bytes
    for _ in range(8):
        assert record_counters(tmp_path, tmp_path, 1, "1:1")

    files = sorted(tmp_path.glob("sql-usage*.log"))
    assert len(files) > 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert [json.loads(line)["users"] for file in files for line in file.read_text().splitlines()] == [
        {"ops": [3, 30, 300]}
    ] * 8


def test_a_record_after_a_cut_off_one_is_on_a_line_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "simple_query", lambda *_, **__: [])
    (tmp_path / COUNTERS_LOG).write_bytes(b'{"at":1')
    assert record_counters(tmp_path, tmp_path, 1, "1:1")

    cut, whole = (tmp_path / COUNTERS_LOG).read_bytes().splitlines()
    assert cut == b'{"at":1'
    assert json.loads(whole)["users"] == {}


def test_a_server_that_does_not_answer_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise PostgresRefused("no")

    monkeypatch.setattr(counters, "simple_query", refuses)
    assert not record_counters(tmp_path, tmp_path, 1, "1:1")
    assert not (tmp_path / COUNTERS_LOG).exists()


def test_counters_of_a_removed_gateway_leave_no_gap(tmp_path: Path) -> None:
    source = SqlCounters(Gateway(tmp_path, "flights-table"))
    _, before = read(record(0, ops=5))
    closed = source.closed({"log": {"files": {}, "current": "x"}, "counters": before.last, "at": 0})
    found, after = read(record(60, "2:2", ops=2), reader=CounterReader(dict(closed["counters"]), Slots()))

    assert (found, after.gaps, closed["log"]["current"]) == ({"ops": 2}, [], None)
    assert source.closed({"log": {}, "counters": None})["counters"] is None


def test_queries_until_the_end_of_a_removed_gateway_are_counted_from_its_last_record(tmp_path: Path) -> None:
    """Queries that a gateway answered while `up` removed its port were lost."""
    gateway = Gateway(tmp_path, "flights-table")
    gateway.folder.mkdir()
    source, log = SqlCounters(gateway), gateway.folder / COUNTERS_LOG
    log.write_bytes(record(0, ops=5) + b"\n")
    first = source.read(None, Slots(), NOON)
    source.keep()
    with log.open("ab") as more:  # the record that the removal writes before it stops PgBouncer
        more.write(record(60, last=True, ops=8) + b"\n")
    last = source.read(source.closed(first.position), Slots(), NOON)

    assert [(each.user, each.requests) for each in first.counts] == [("ops", 5)]
    assert [(each.user, each.requests) for each in last.counts] == [("ops", 3)]
    assert (last.gaps, (gateway.folder / ".lock").exists()) == ((), False)
    source.forget()
    assert not gateway.folder.exists()
