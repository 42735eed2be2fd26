"""Decisions about access and notices do not depend on a wrong clock of one machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alchemesh_platform.registry import store
from alchemesh_platform.registry.audit import CLOCK_SLACK, Act, check_chain, record_act
from alchemesh_platform.registry.store import Registry

FUTURE = datetime(2040, 1, 1, tzinfo=UTC)


def test_a_shared_registry_tells_the_time_for_every_machine(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployer who set the clock of their machine forward once passed a notice period at once."""
    true = datetime.now(UTC)
    monkeypatch.setattr(store, "utc_now", lambda: FUTURE)
    if registry._database.on_sqlite:
        assert registry.now() == FUTURE
    else:
        assert abs(registry.now() - true) < timedelta(minutes=10)
        assert registry.now().tzinfo is UTC


def test_the_audit_log_shows_a_clock_that_was_moved(registry: Registry, environment: str) -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for moved in (timedelta(0), timedelta(days=90), -CLOCK_SLACK, timedelta(seconds=1)):
        act = Act(environment=environment, operation="up", address="d/p", actor="ada", issuer="local", at=start + moved)
        record_act(registry, act)
    checked = check_chain(registry)
    assert checked.is_whole
    assert checked.moved_clock == (3,)
    assert checked.as_json()["moved_clock"] == [3]
