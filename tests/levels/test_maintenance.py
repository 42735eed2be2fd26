"""Announced maintenance: before it starts, as far as the contract allows, and left out of uptime."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.levels.announce import MaintenanceRefused, announce, cancel, state_of
from alchemesh_platform.levels.maintenance import current, longest_total, merged, spared
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.observed.measured import product_state
from alchemesh_platform.observed.models import IncidentStatus, StateStatus
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import MaintenanceRecord
from alchemesh_platform.registry.store import Registry
from tests.levels.promised import ENVIRONMENT, NOW, PORT, PRODUCT, add, measured, promise

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AMELIA = Identity("amelia@airport.example", issuer="local")


def levels(registry: Registry, **promised: Any) -> None:
    promise(registry, service_levels={"uptime": "90%", "window": "10h", "maintenance": "2h", **promised})


def at(hours: float) -> datetime:
    return NOW + hours * HOUR


def planned(registry: Registry, start: float, end: float, now: datetime = NOW, message: str = "") -> MaintenanceRecord:
    return announce(registry, ENVIRONMENT, PORT, at(start), at(end), AMELIA, now, message=message)


def probes(registry: Registry, since: float, until: float, *, answered: bool) -> None:
    number = round((until - since) * 60)
    slices = [at(since) + each * MINUTE for each in range(number)]
    add(registry, *(measured("uptime", each, PORT, good=int(answered), total=1) for each in slices))


def test_announced_maintenance_is_left_out_and_both_figures_are_shown(registry: Registry) -> None:
    levels(registry)
    planned(registry, 4, 6, message="new disks")
    probes(registry, 0, 4, answered=True)
    probes(registry, 4, 6, answered=False)
    probes(registry, 6, 10, answered=True)
    (uptime,) = read_commitments(registry, ENVIRONMENT, PRODUCT, at(10) - MINUTE)

    assert (uptime.verdict, uptime.value) == ("kept", "100% (80% with maintenance)")
    assert uptime.budget is not None
    assert (uptime.budget.allowed, uptime.budget.spent) == (48.0, 0.0)


def test_maintenance_that_was_cancelled_or_not_announced_counts_as_downtime(registry: Registry) -> None:
    levels(registry)
    planned(registry, 4, 6)
    cancelled = cancel(registry, ENVIRONMENT, PORT, at(4), AMELIA, at(3))
    assert cancel(registry, ENVIRONMENT, PORT, at(4), AMELIA, at(5)) == cancelled
    probes(registry, 0, 4, answered=True)
    probes(registry, 4, 6, answered=False)
    probes(registry, 6, 10, answered=True)
    (uptime,) = read_commitments(registry, ENVIRONMENT, PRODUCT, at(10) - MINUTE)

    assert (uptime.verdict, uptime.value) == ("broken", "80%")
    assert [act.operation for act in acts_of(registry, ENVIRONMENT)] == [
        "contract maintenance cancel",
        "contract maintenance",
    ]


def test_a_contract_that_allows_less_leaves_out_less(registry: Registry) -> None:
    levels(registry)
    planned(registry, 4, 6)
    probes(registry, 0, 4, answered=True)
    probes(registry, 4, 6, answered=False)
    probes(registry, 6, 10, answered=True)
    levels(registry, maintenance="1h")  # a new version of the contract
    (uptime,) = read_commitments(registry, ENVIRONMENT, PRODUCT, at(10) - MINUTE)

    assert (uptime.verdict, uptime.value) == ("broken", "88.888% (80% with maintenance)")


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (0, 1, "maintenance must be announced before it starts, and 2026-03-01T12:00Z is not in the future"),
        (-1, 1, "maintenance must be announced before it starts, and 2026-03-01T11:00Z is not in the future"),
        (2, 2, "maintenance that starts at 2026-03-01T14:00Z cannot end at 2026-03-01T14:00Z"),
        (2, 1, "maintenance that starts at 2026-03-01T14:00Z cannot end at 2026-03-01T13:00Z"),
        (1, 9000, "2027-03-11T12:00Z is more than 366 days ahead"),
        (1.001, 2, "maintenance starts and ends at a whole minute"),
        (
            1,
            3.5,
            f"with it, {PORT} would be in maintenance for 150m within 10h, and its contract allows 2h",
        ),
    ],
)
def test_impossible_maintenance_is_refused_with_the_reason(
    registry: Registry, start: float, end: float, message: str
) -> None:
    levels(registry)
    with pytest.raises(MaintenanceRefused) as refused:
        planned(registry, start, end)
    assert str(refused.value.message) == message
    assert registry.all(MaintenanceRecord, ENVIRONMENT) == []


def test_all_maintenance_of_a_window_counts_towards_the_allowed_length(registry: Registry) -> None:
    levels(registry)
    planned(registry, 1, 2)
    planned(registry, 5, 6)
    with pytest.raises(MaintenanceRefused, match="for 3h within 10h, and its contract allows 2h"):
        planned(registry, 8, 9)
    planned(registry, 11.5, 12)  # half an hour of the first one is in the window of this one
    assert planned(registry, 1, 2) == planned(registry, 1, 2)
    with pytest.raises(MaintenanceRefused, match="is announced already, until 2026-03-01T14:00Z") as refused:
        planned(registry, 1, 1.5)
    assert f"alchemesh contract maintenance cancel {PORT} 2026-03-01T13:00Z" in str(refused.value.hint)


def test_a_contract_without_maintenance_allows_none(registry: Registry) -> None:
    promise(registry, service_levels={"uptime": "90%"})
    with pytest.raises(MaintenanceRefused, match=f"the contract of {PORT} in local allows no maintenance"):
        planned(registry, 1, 2)


def test_maintenance_can_be_cancelled_until_it_starts(registry: Registry) -> None:
    levels(registry)
    with pytest.raises(MaintenanceRefused, match=r"no maintenance of .* that starts at 2026-03-01T13:00Z is announced"):
        cancel(registry, ENVIRONMENT, PORT, at(1), AMELIA, NOW)
    record = planned(registry, 1, 2)
    with pytest.raises(MaintenanceRefused, match="started at 2026-03-01T13:00Z, so it cannot be cancelled any more"):
        cancel(registry, ENVIRONMENT, PORT, at(1), AMELIA, at(1))
    assert [state_of(record, at(hour)) for hour in (0.5, 1, 1.5, 2)] == ["announced", "running", "running", "over"]
    planned(registry, 3, 4)
    cancelled = cancel(registry, ENVIRONMENT, PORT, at(3), AMELIA, at(2))
    assert (state_of(cancelled, at(3.5)), current([cancelled], at(3.5))) == ("cancelled", None)
    assert planned(registry, 3, 4, at(2.5)).cancelled_at is None


def test_the_state_of_a_product_is_the_first_by_precedence(registry: Registry) -> None:
    levels(registry)
    running = planned(registry, 1, 2, message="new disks")
    incident = IncidentStatus(id="inc-1", port=PORT, name="uptime", state="open", since=at(1))

    def state(reported: str, *, incidents: bool = False, now: datetime = NOW) -> StateStatus:
        said = StateStatus(state=reported)  # type: ignore[arg-type]
        return product_state(said, [incident] if incidents else [], [running], now)

    assert [state(each).state for each in ("down", "unknown", "operational")] == ["down", "unknown", "operational"]
    assert [state(each, now=at(1)).state for each in ("down", "in_incident", "unknown", "operational")] == [
        "down",
        "in_incident",
        "maintenance",
        "maintenance",
    ]
    maintained = state("operational", now=at(1))
    assert maintained.note == f"{PORT} until 2026-03-01 14:00 UTC: new disks"
    assert (maintained.at, maintained.reported_by) == (at(1), AMELIA.subject)
    broken = state("operational", incidents=True, now=at(1))
    assert (broken.state, broken.note) == ("in_incident", f"uptime of {PORT} is broken")
    assert state("down", incidents=True, now=at(1)).state == "down"


spans = st.lists(
    st.tuples(st.integers(0, 500), st.integers(1, 60)).map(
        lambda span: (NOW + span[0] * MINUTE, NOW + (span[0] + span[1]) * MINUTE)
    ),
    max_size=6,
)


def _minutes(found: list[tuple[datetime, datetime]]) -> set[int]:
    return {
        minute for start, end in found for minute in range(round((start - NOW) / MINUTE), round((end - NOW) / MINUTE))
    }


@given(spans, st.integers(10, 300), st.integers(0, 120))
def test_no_window_leaves_out_more_than_the_contract_allows(
    found: list[tuple[datetime, datetime]], window: int, cap: int
) -> None:
    covered = _minutes(found)
    assert _minutes(merged(found)) == covered
    ends = range(600)
    most = max((len(covered & set(range(end - window, end))) for end in ends), default=0)
    assert longest_total(found, window * MINUTE) == most * MINUTE

    records = [
        MaintenanceRecord(
            environment="x", address=str(number), product="a/b", port="a/b/c", starts_at=start, ends_at=end,
            announced_at=NOW - HOUR, announced_by="x",
        )
        for number, (start, end) in enumerate(found)
    ]  # fmt: skip
    since, until = NOW + 100 * MINUTE, NOW + (100 + window) * MINUTE
    left_out = _minutes(spared(records, cap * MINUTE, since, until))
    inside = covered & set(range(100, 100 + window))
    assert left_out <= inside
    assert len(left_out) == min(len(inside), cap)
