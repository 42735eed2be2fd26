"""A grant is recorded with its request, and no other removal ends it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.access.requests.states import advance
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import AccessRequestRecord, GrantRecord, RequestState, RequestStep
from tests.provider.wire import Wire, connected

TYPE = "alchemesh:mesh:Grant"
REQUEST = "req-0a1b2c3d"
PORT = "aviation/flights/flights-table"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
INPUTS = {
    "environment": "local",
    "address": REQUEST,
    "product": "aviation/flights",
    "port": PORT,
    "requesterKind": "technical_team",
    "requester": "operations/desk",
    "purpose": "punctuality",
    "principals": ["group:desk"],
    "endsAt": "2999-01-05T12:00:00Z",
}


def record_request(wire: Wire, *states: RequestState, ends_at: datetime | None = None) -> None:
    request = AccessRequestRecord(
        environment="local",
        address=REQUEST,
        product="aviation/flights",
        port=PORT,
        requester_kind="technical_team",
        requester="operations/desk",
        purpose="punctuality",
        ends_at=ends_at,
        state="requested",
        steps=(RequestStep(state="requested", at=NOW, by="bessie@airport.example"),),
    )
    for state in states:
        request = advance(request, state, at=NOW, by="amelia@airport.example", reason="so it is")
    wire.registry.put(request)


def state(wire: Wire) -> str:
    found = wire.registry.get(AccessRequestRecord, "local", REQUEST)
    assert found is not None
    return found.state


def grants(wire: Wire) -> list[GrantRecord]:
    return wire.registry.all(GrantRecord, "local")


def test_an_approved_request_is_granted_with_its_record(wire: Wire) -> None:
    record_request(wire, "approved")
    made = wire.create(TYPE, INPUTS)
    assert made.id == f"local:{REQUEST}"
    assert state(wire) == "granted"
    assert [(grant.address, grant.principals) for grant in grants(wire)] == [(REQUEST, ("group:desk",))]
    [act] = acts_of(wire.registry, "local")
    assert (act.operation, act.actor, act.address) == ("access grant", "somebody at work", REQUEST)
    assert wire.diff(made, INPUTS).changes == provider_pb2.DiffResponse.DIFF_NONE
    assert wire.read(made) == made


def test_the_actor_of_the_run_grants_and_removes_access(tmp_path: Path) -> None:
    """The actor once came from the latest running deployment, even from a killed one of another user."""
    with connected(tmp_path, actor="amelia@airport.example") as wire:
        record_request(wire, "approved")
        wire.registry.start_deployment("local", "aviation/flights", "up", "bo@airport.example")
        wire.delete(wire.create(TYPE, INPUTS))
        done = sorted((act.operation, act.actor) for act in acts_of(wire.registry, "local"))
        assert done == [("access grant", "amelia@airport.example"), ("access take out", "amelia@airport.example")]


def test_an_engine_that_was_killed_after_the_record_grants_nothing_twice(wire: Wire) -> None:
    record_request(wire, "approved")
    wire.create(TYPE, INPUTS)
    wire.create(TYPE, INPUTS)
    assert state(wire) == "granted"
    assert len(grants(wire)) == 1
    assert len(acts_of(wire.registry, "local")) == 1


@pytest.mark.parametrize(
    ("states", "ends_at"),
    [((), None), (("rejected",), None), (("approved", "revoked"), None), (("approved",), NOW)],
    ids=["undecided", "rejected", "revoked", "due"],
)
def test_only_a_request_that_is_approved_at_that_moment_is_granted(
    wire: Wire, states: tuple[RequestState, ...], ends_at: datetime | None
) -> None:
    record_request(wire, *states, ends_at=ends_at)
    before = state(wire)
    with pytest.raises(grpc.RpcError, match="nothing is granted"):
        wire.create(TYPE, INPUTS)
    assert (grants(wire), state(wire)) == ([], before)


def test_a_grant_without_a_request_is_refused(wire: Wire) -> None:
    with pytest.raises(grpc.RpcError, match="there is no access request"):
        wire.create(TYPE, INPUTS)


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_removed_grant_keeps_the_end_of_its_request(wire: Wire, end: RequestState) -> None:
    record_request(wire, "approved")
    made = wire.create(TYPE, INPUTS)
    request = wire.registry.get(AccessRequestRecord, "local", REQUEST)
    assert request is not None
    wire.registry.put(advance(request, end, at=NOW, by="amelia@airport.example"))
    wire.delete(made)
    wire.delete(made)
    assert (grants(wire), state(wire)) == ([], end)


def test_a_grant_removed_with_its_port_keeps_the_approval(wire: Wire) -> None:
    record_request(wire, "approved")
    wire.delete(wire.create(TYPE, INPUTS))
    assert (grants(wire), state(wire)) == ([], "approved")
    wire.create(TYPE, INPUTS)
    assert state(wire) == "granted"


def test_a_grant_removed_after_its_end_is_expired(wire: Wire) -> None:
    record_request(wire, "approved")
    made = wire.create(TYPE, INPUTS)
    request = wire.registry.get(AccessRequestRecord, "local", REQUEST)
    assert request is not None
    wire.registry.put(request.model_copy(update={"ends_at": NOW}))
    wire.delete(made)
    assert (grants(wire), state(wire)) == ([], "expired")


def test_a_changed_end_updates_the_record_in_place(wire: Wire) -> None:
    record_request(wire, "approved")
    made = wire.create(TYPE, INPUTS)
    changed: dict[str, Any] = {**INPUTS, "endsAt": None, "principals": ["group:desk", "group:night-desk"]}
    assert list(wire.diff(made, changed).replaces) == []
    wire.update(made, changed)
    assert [(grant.ends_at, len(grant.principals)) for grant in grants(wire)] == [(None, 2)]
