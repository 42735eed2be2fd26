"""The state of a copy: what status says about its size, its lag and its problems."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alchemesh_platform.systems.local.data_api.serving.loading.state import (
    CopyState,
    TableState,
    read_state,
    write_state,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_copy_that_is_late_says_how_late() -> None:
    table = TableState(name="sale", loaded_at=NOW, behind_since=NOW - timedelta(seconds=61), bytes=4_400_000)
    late = CopyState(tables=(table,), max_lag_seconds=60)
    assert late.first_problem(NOW) == "the copy of table sale is 61 s behind, more than its limit of 60 s"
    assert late.described(NOW) == "copy of 4 MB, 61 s behind (limit 60 s)"
    assert late.lag_seconds(NOW) == 61
    in_time = late.model_copy(update={"max_lag_seconds": 120})
    assert in_time.first_problem(NOW) is None


def test_a_current_copy_says_its_size() -> None:
    tables = (TableState(name="sale", loaded_at=NOW, bytes=900), TableState(name="shop", loaded_at=NOW, bytes=600))
    described = CopyState(tables=tables, max_gigabytes=0.5).described(NOW)
    assert described == "copy of 2 kB (limit 0.5 GB a table), current (limit 60 s)"
    assert CopyState(tables=tables).first_problem(NOW) is None
    assert CopyState(tables=tables).loading == ()


def test_a_problem_and_a_first_load_are_named() -> None:
    loading = TableState(name="sale", rows_loading=5000, behind_since=NOW - timedelta(hours=1))
    assert CopyState(tables=(loading,)).first_problem(NOW) is None
    refused = TableState(name="shop", problem="table shop: column 'at' holds a value of about the year 12,000")
    state = CopyState(tables=(loading, refused))
    assert state.loading == (("sale", 5000),)
    assert state.first_problem(NOW) == refused.problem
    assert state.blocked == refused.problem
    served = CopyState(tables=(refused.model_copy(update={"loaded_at": NOW}),))
    assert (served.blocked, served.first_problem(NOW)) == (None, refused.problem), "its former rows are served"


def test_a_table_that_loads_for_the_first_time_is_not_late() -> None:
    """`up` of a table of 5 million rows failed on a busy machine, because its first load took more than 60 s."""
    loading = TableState(name="flight", behind_since=NOW - timedelta(seconds=90), rows_loading=1_000)
    assert CopyState(tables=(loading,)).first_problem(NOW) is None
    assert CopyState(tables=(loading,)).loading == (("flight", 1_000),)


def test_a_copy_is_late_since_a_commit_that_its_loader_never_saw(tmp_path: Path) -> None:
    """`status` said "current" while the loader did not run."""
    log = tmp_path / "_delta_log"
    log.mkdir()
    for version, minutes in enumerate((5, 3, 1)):
        file = log / f"{version:020d}.json"
        file.touch()
        os.utime(file, times=(when := (NOW - timedelta(minutes=minutes)).timestamp(), when))
    first = NOW - timedelta(minutes=5)
    table = TableState(name="sale", folder=tmp_path, loaded_at=first, committed_at=first)
    state = CopyState(tables=(table,), max_lag_seconds=100)
    assert state.lag_seconds(NOW) == 0
    assert state.with_commits().lag_seconds(NOW) == 180
    assert state.with_commits().first_problem(NOW) == (
        "the copy of table sale is 180 s behind, more than its limit of 100 s"
    )
    other = table.model_copy(update={"name": "shop", "committed_at": NOW})
    both = CopyState(tables=(table, other)).with_commits()
    assert (both.lags(NOW), both.lag_seconds(NOW)) == ({"sale": 180, "shop": 0}, 180)
    loaded = table.model_copy(update={"committed_at": NOW - timedelta(minutes=1)})
    assert loaded.with_commits().lag_seconds(NOW) == 0
    parquet = table.model_copy(update={"folder": None})
    assert parquet.with_commits() == parquet


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = CopyState(tables=(TableState(name="sale", loaded_at=NOW),), max_lag_seconds=5)
    write_state(tmp_path / "state.json", state)
    assert read_state(tmp_path / "state.json") == state
    (tmp_path / "state.json").write_text("{")
    assert read_state(tmp_path / "state.json") is None
    assert read_state(tmp_path / "missing.json") is None


def test_a_copy_of_the_newest_commit_is_not_late_by_a_fraction_of_a_microsecond(tmp_path: Path) -> None:
    """File systems keep nanoseconds, the loader microseconds: about every second loaded commit counted as late."""
    log = tmp_path / "_delta_log" / "00000000000000000000.json"
    log.parent.mkdir()
    log.touch()
    for nanoseconds in (186, 499, 501, 999):
        os.utime(log, ns=(0, 1_767_312_000_299_802_000 + nanoseconds))
        committed = datetime.fromtimestamp(log.stat().st_mtime, UTC)
        table = TableState(name="sale", folder=tmp_path, loaded_at=NOW, committed_at=committed)
        assert CopyState(tables=(table,)).with_commits().lag_seconds(NOW + timedelta(hours=1)) == 0
