"""A clock that is moved gives nobody access that has ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from alchemesh_platform.systems.local.data_api.gateway.consumers import (
    Entry,
    next_end,
    read_entry,
    settled_entries,
    write_entry,
)

END = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, AFTER = END - timedelta(days=1), END + timedelta(seconds=1)
ENTRY = Entry(
    user="desk_1",
    consumer="ops/desk",
    request="req-1",
    ends_at=END,
    scram="SCRAM-SHA-256$4096:c2FsdA==$a:b",
    bcrypt="$2a$04$abcdefghijklmnopqrstuv",
)


def has_access(gateway: Path, now: datetime) -> bool:
    """Whether the consumer has access, as the gateway decides it when it applies the grants."""
    [entry] = settled_entries(gateway, now)
    return entry.has_access(now)


def test_an_end_that_has_passed_stays_passed_when_the_clock_is_set_back(tmp_path: Path) -> None:
    """A consumer once had access again for as long as the clock was set back."""
    write_entry(tmp_path, ENTRY)
    assert has_access(tmp_path, BEFORE)
    assert not has_access(tmp_path, AFTER)
    assert not has_access(tmp_path, BEFORE)
    assert next_end(settled_entries(tmp_path, BEFORE), BEFORE) is None


def test_a_new_end_gives_access_again_after_a_clock_that_was_wrong(tmp_path: Path) -> None:
    write_entry(tmp_path, ENTRY)
    assert not has_access(tmp_path, AFTER)
    ended = read_entry(tmp_path, "desk_1")
    assert ended is not None
    write_entry(tmp_path, ended.model_copy(update={"ends_at": END + timedelta(days=90)}))
    assert has_access(tmp_path, AFTER)
