"""States of a request and the transitions between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.access.requests.states import (
    BECAME,
    FIRST,
    GRANTING_STATES,
    OPEN,
    STATES,
    TRANSITIONS,
    InvalidTransition,
    advance,
    allowed,
    as_mermaid,
    describe_state,
    is_due,
    next_step,
)
from alchemesh_platform.registry.records import AccessRequestRecord, RequestState, RequestStep

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-access-works.md"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def request(state: RequestState = FIRST, ends_at: datetime | None = None) -> AccessRequestRecord:
    return AccessRequestRecord(
        environment="local",
        address="req-0a1b2c3d",
        product="aviation/flights",
        port="aviation/flights/flights-table",
        requester_kind="data_product",
        requester="operations/punctuality",
        purpose="punctuality",
        ends_at=ends_at,
        state=state,
        steps=(RequestStep(state=state, at=NOW, by="amelia@airport.example", reason="because"),),
    )


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 10_000)), max_size=20))
def test_any_sequence_of_steps_follows_declared_transitions(tries: list[tuple[RequestState, int]]) -> None:
    current = request()
    for to, minutes in tries:
        before = current
        if allowed(before.state, to):
            current = advance(current, to, at=NOW + timedelta(minutes=minutes), by="somebody", reason="why")
            assert current.steps[:-1] == before.steps, "what was is kept"
            assert (current.state, current.steps[-1].by, current.steps[-1].reason) == (to, "somebody", "why")
        else:
            with pytest.raises(InvalidTransition):
                advance(current, to, at=NOW, by="somebody")
    path = [step.state for step in current.steps]
    assert path[0] == FIRST
    assert all(pair in TRANSITIONS for pair in pairwise(path))
    assert current.state == path[-1]
    assert sum(state in STATES and state not in OPEN for state in path) <= 1, "what is over stays over"
    if "granted" in path:
        assert path[path.index("granted") - 1] == "approved", "nothing is granted that was not approved"


def test_final_states_have_no_transitions() -> None:
    assert {state for state in STATES if state not in OPEN} == {"rejected", "revoked", "expired"}
    assert GRANTING_STATES <= OPEN
    assert set(BECAME) == set(STATES)


def test_every_state_can_be_reached() -> None:
    reached, before = {FIRST}, set()
    while reached != before:
        before = set(reached)
        reached |= {after for (start, after) in TRANSITIONS if start in reached}
    assert reached == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_hint_that_names_the_request(state: RequestState) -> None:
    assert "req-0a1b2c3d" in next_step(request(state))


def test_an_invalid_transition_names_the_author_time_and_reason_of_the_last_one() -> None:
    with pytest.raises(InvalidTransition) as refused:
        advance(request("rejected"), "approved", at=NOW, by="bessie@airport.example")
    assert refused.value.message == (
        "req-0a1b2c3d was rejected by amelia@airport.example on 2026-01-05 12:00 UTC (because): "
        "it cannot be approved now"
    )
    assert refused.value.hint == "it has ended: `alchemesh access renew req-0a1b2c3d` requests access again"
    assert refused.value.request == request("rejected")


def test_a_step_without_a_reason_is_reported_without_one() -> None:
    approved = advance(request(), "approved", at=NOW, by="bessie@airport.example")
    assert describe_state(approved) == "req-0a1b2c3d was approved by bessie@airport.example on 2026-01-05 12:00 UTC"


def test_an_approved_request_is_granted_by_applying_its_product() -> None:
    assert "`alchemesh access apply aviation/flights`" in next_step(request("approved"))


@pytest.mark.parametrize("state", STATES)
def test_expiry_ends_open_requests_and_leaves_closed_ones(state: RequestState) -> None:
    assert is_due(request(state, NOW), NOW) == (state in OPEN)
    assert not is_due(request(state, NOW + timedelta(seconds=1)), NOW)
    assert not is_due(request(state), NOW)


def test_the_diagram_in_the_docs_matches_the_code() -> None:
    assert f"```mermaid\n{as_mermaid()}\n```" in PAGE.read_text("utf-8")
