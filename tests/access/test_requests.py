"""Requests: the rights of each user, the resulting states and the records."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from alchemesh_platform.access.approval.rules import RequestFacts
from alchemesh_platform.access.finding import UnknownPort, UnknownRequest, list_requests
from alchemesh_platform.access.requester import Requester, UnknownRequester, resolve
from alchemesh_platform.access.requests.acts import AlreadyAsked, NotARequest
from alchemesh_platform.access.requests.expiry import expire_due
from alchemesh_platform.access.requests.states import InvalidTransition
from alchemesh_platform.access.requests.until import BadEnd
from alchemesh_platform.access.rights import NotAllowed
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.registry.audit import acts_of, broken_links
from alchemesh_platform.registry.records import AccessRequestRecord, ContractRecord, UserRecord
from alchemesh_platform.registry.store import Registry

from .airport import (
    AMELIA,
    BARE,
    BESSIE,
    DESK,
    FLIGHTS,
    INTERNAL,
    KATHERINE,
    NOISE,
    OPERATIONS,
    ORVILLE,
    PUBLIC,
    PUNCTUALITY,
    RESTRICTED,
    STRANGER,
    WILBUR,
    Airport,
    product_records,
)
from .conftest import Clock


def steps(request: AccessRequestRecord) -> list[tuple[str, str, str]]:
    return [(step.state, step.by, step.reason) for step in request.steps]


def test_a_request_is_recorded_with_the_author_time_and_reason_of_each_step(airport: Airport, clock: Clock) -> None:
    asked = airport.ask()
    clock.pass_by(hours=1)
    approved = airport.by(AMELIA).approve(asked.address, "statistics only")

    assert len(asked.address) == len("req-0a1b2c3d")
    assert steps(approved) == [("requested", BESSIE, ""), ("approved", AMELIA, "statistics only")]
    assert approved.steps[1].at - approved.steps[0].at == timedelta(hours=1)
    assert [(act.operation, act.actor, act.reason) for act in acts_of(airport.registry, airport.environment)] == [
        ("access approve", AMELIA, "statistics only"),
        ("access request", BESSIE, "how punctual carriers are"),
    ]
    assert list(broken_links(airport.registry)) == []


ORVILLES = Requester("user", ORVILLE)


@pytest.mark.parametrize(
    ("port", "requester", "approved_by"),
    [
        (RESTRICTED, NOISE, None),
        (RESTRICTED, PUNCTUALITY, None),
        (INTERNAL, NOISE, "contract"),
        (INTERNAL, PUNCTUALITY, None),
        (INTERNAL, DESK, None),
        (INTERNAL, Requester("technical_team", "aviation/flight-data"), "contract"),
        (INTERNAL, Requester("data_domain", "aviation"), "contract"),
        (INTERNAL, Requester("user", WILBUR), "contract"),
        (INTERNAL, ORVILLES, None),
        (PUBLIC, PUNCTUALITY, "contract"),
        (PUBLIC, ORVILLES, "contract"),
        (BARE, NOISE, None),
    ],
    ids=str,
)
def test_the_access_type_decides_which_requests_wait_for_the_owner(
    airport: Airport, port: str, requester: Requester, approved_by: str | None
) -> None:
    request = airport.ask(port, requester)
    assert request.state == ("approved" if approved_by else "requested")
    assert [step.by for step in request.steps[1:]] == ([approved_by] if approved_by else [])


def test_an_approval_by_the_contract_has_its_reason(airport: Airport) -> None:
    public, internal = airport.ask(PUBLIC, ORVILLES), airport.ask(INTERNAL, NOISE)
    assert steps(public)[1] == ("approved", "contract", "public: every request is approved at once")
    assert steps(internal)[1] == ("approved", "contract", "internal: the requester is of aviation too")


def test_a_policy_may_approve_at_once_and_is_named(airport: Airport) -> None:
    seen: list[RequestFacts] = []

    def statistics(facts: RequestFacts) -> str | None:
        seen.append(facts)
        return "statistics" if "punctual" in facts.purpose and "secret" not in facts.classifications else None

    request = airport.by(BESSIE, statistics).ask(RESTRICTED, PUNCTUALITY, "how punctual carriers are")
    assert steps(request)[1] == ("approved", "policy statistics", "approved at once by a policy of the mesh")
    assert seen[0].classifications == {"confidential"}
    assert seen[0].requester_domains == {"operations"}
    refused = airport.by(BESSIE, statistics).ask(RESTRICTED, DESK, "advertising")
    assert refused.state == "requested"


def test_an_unknown_port_names_the_closest(airport: Airport) -> None:
    with pytest.raises(UnknownPort) as refused:
        airport.ask(f"{FLIGHTS}/restrictde")
    assert refused.value.hint == f"did you mean '{RESTRICTED}'?"
    with pytest.raises(UnknownPort, match="no output port aviation/fligths/restricted") as refused:
        airport.ask("aviation/fligths/restricted")
    assert refused.value.hint == f"did you mean '{RESTRICTED}'?"
    with pytest.raises(UnknownPort, match="is an input port") as refused:
        airport.ask(f"{FLIGHTS}/departures")
    with pytest.raises(UnknownPort, match="expected its address, domain/product/port"):
        airport.ask("flights")
    assert acts_of(airport.registry, airport.environment) == []


@pytest.mark.parametrize(
    ("requester", "hint"),
    [
        (Requester("user", "orvile@airport.example"), f"did you mean '{ORVILLE}'?"),
        (Requester("technical_team", "operations/desks"), "did you mean 'operations/desk'?"),
        (Requester("data_domain", "operation"), "did you mean 'operations'?"),
        (Requester("data_product", "operatoins/punctuality"), "did you mean 'operations'?"),
    ],
    ids=str,
)
def test_an_unknown_requester_names_the_closest(airport: Airport, requester: Requester, hint: str) -> None:
    with pytest.raises(UnknownRequester) as refused:
        airport.ask(requester=requester)
    assert hint in str(refused.value.hint)
    assert refused.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "text", ["orville", "person:orville@a.example", "data_product:flights", "technical_team:a/b/c"]
)
def test_an_invalid_requester_is_reported_with_the_expected_form(text: str) -> None:
    with pytest.raises(UnknownRequester) as refused:
        Requester.parse(text)
    assert "data_product" in str(refused.value.hint) + refused.value.message


def test_without_a_mesh_every_user_may_request_access_for_any_address(
    registry: Registry, environment: str, clock: Clock
) -> None:
    registry.write(product_records(environment))
    bare = Airport(registry, environment, clock)
    assert bare.ask(requester=DESK).state == "requested"
    consumer = resolve(registry, environment, DESK)
    assert (consumer.teams, consumer.users) == (("operations/desk",), ())


@pytest.mark.parametrize(
    ("requester", "people"),
    [
        (PUNCTUALITY, {BESSIE, ORVILLE, KATHERINE}),
        (DESK, {BESSIE, ORVILLE, KATHERINE}),
        (OPERATIONS, {BESSIE, ORVILLE, KATHERINE}),
        (ORVILLES, {ORVILLE, KATHERINE}),
        (Requester("data_product", "aviation/noise"), {AMELIA, WILBUR, KATHERINE}),
    ],
)
def test_only_members_of_a_requester_request_access_for_it(
    airport: Airport, requester: Requester, people: set[str]
) -> None:
    """Otherwise every user could act for a domain with automatic approval."""
    asked = set()
    for person in (AMELIA, WILBUR, BESSIE, ORVILLE, KATHERINE, STRANGER):
        try:
            request = airport.by(person).ask(RESTRICTED, requester, "why")
        except NotAllowed as refused:
            assert str(requester) in refused.message
            continue
        asked.add(person)
        airport.by(person).revoke(request.address)
    assert asked == people


def test_users_with_deploy_rights_request_access_for_a_product(airport: Airport) -> None:
    asked = airport.by("pipeline@runner").ask(PUBLIC, PUNCTUALITY, "why", deploying=True)
    assert asked.state == "approved"


def test_a_requester_is_resolved_to_people_and_teams(airport: Airport) -> None:
    registry, environment = airport.registry, airport.environment
    desk = resolve(registry, environment, DESK, request="req-1")
    assert (desk.users, desk.teams, desk.product, desk.request) == ((BESSIE, ORVILLE), (DESK.address,), None, "req-1")
    everybody = resolve(registry, environment, OPERATIONS)
    assert (everybody.users, everybody.teams) == ((BESSIE, ORVILLE), ("operations/desk", "operations/night-desk"))
    assert resolve(registry, environment, ORVILLES).users == (ORVILLE,)
    product = resolve(registry, environment, PUNCTUALITY)
    assert (product.product, product.users, product.teams) == ("operations/punctuality", (), ())
    assert (product.deployed, product.identity) == (False, None)


def test_an_end_in_the_past_and_an_empty_purpose_are_refused(airport: Airport, clock: Clock) -> None:
    with pytest.raises(BadEnd):
        airport.by(BESSIE).ask(RESTRICTED, PUNCTUALITY, "why", clock.now - timedelta(seconds=1))
    with pytest.raises(NotARequest, match="needs a purpose"):
        airport.by(BESSIE).ask(RESTRICTED, PUNCTUALITY, "  ")
    with pytest.raises(NotARequest, match="needs no request for its own ports"):
        airport.by(AMELIA).ask(RESTRICTED, Requester("data_product", FLIGHTS), "why")
    assert list_requests(airport.registry, airport.environment) == []


def test_a_second_identical_request_points_to_the_open_one(airport: Airport) -> None:
    first = airport.ask()
    with pytest.raises(AlreadyAsked, match=first.address) as refused:
        airport.ask()
    assert f"access approve {first.address}" in str(refused.value.hint)
    airport.ask(INTERNAL)
    airport.ask(requester=DESK)
    airport.by(AMELIA).reject(first.address)
    assert airport.ask().address != first.address


@pytest.mark.parametrize("somebody", [BESSIE, WILBUR, STRANGER])
def test_only_the_owner_decides_a_request(airport: Airport, somebody: str) -> None:
    request = airport.ask()
    for act in (airport.by(somebody).approve, airport.by(somebody).reject):
        with pytest.raises(NotAllowed, match=f"decided by {AMELIA}, who owns aviation/flights") as refused:
            act(request.address)
        assert refused.value.exit_code == ExitCode.FORBIDDEN
        assert refused.value.hint == f"if you are {AMELIA}, set ALCHEMESH_USER={AMELIA}"
    assert airport.state(request) == "requested"


def test_a_platform_owner_decides_a_request_and_other_personas_do_not(airport: Airport) -> None:
    assert airport.by(KATHERINE).approve(airport.ask().address).state == "approved"
    demoted = UserRecord(environment=airport.environment, address=KATHERINE, name="K", personas=("platform_developer",))
    airport.registry.put(demoted)
    with pytest.raises(NotAllowed):
        airport.by(KATHERINE).approve(airport.ask(requester=DESK).address)


@pytest.mark.parametrize(("first", "second"), [("approve", "reject"), ("reject", "approve"), ("approve", "approve")])
def test_of_two_simultaneous_decisions_one_wins_and_the_other_names_the_winner(
    airport: Airport, first: str, second: str
) -> None:
    for _ in range(5):
        request = airport.ask()

        def decide(owner: str, what: str, address: str = request.address) -> str | Failure:
            try:
                return getattr(airport.by(owner), what)(address, f"{what} by {owner}").state
            except Failure as failure:
                return failure

        with ThreadPoolExecutor(2) as pool:
            came = list(pool.map(decide, (AMELIA, KATHERINE), (first, second)))
        lost = next(each for each in came if isinstance(each, Failure))
        won = next(each for each in came if isinstance(each, str))
        assert isinstance(lost, InvalidTransition)
        winner, what = (AMELIA, first) if isinstance(came[0], str) else (KATHERINE, second)
        assert f"was {won} by {winner}" in lost.message
        assert f"({what} by {winner})" in lost.message
        found = airport.registry.get(AccessRequestRecord, airport.environment, request.address)
        assert found is not None
        assert [step.state for step in found.steps] == ["requested", won]
        if won == "approved":
            airport.by(AMELIA).revoke(request.address)


@pytest.mark.parametrize("somebody", [BESSIE, ORVILLE])
def test_members_of_the_requester_withdraw_a_request(airport: Airport, somebody: str) -> None:
    assert airport.by(somebody).revoke(airport.ask(requester=DESK, by=BESSIE).address, "not needed").state == "revoked"


def test_the_owner_revokes_approved_requests_and_rejects_open_ones(airport: Airport) -> None:
    request = airport.ask()
    with pytest.raises(InvalidTransition, match="it cannot be revoked now") as refused:
        airport.by(AMELIA).revoke(request.address)
    assert "access reject" in str(refused.value.hint)
    airport.by(AMELIA).approve(request.address)
    with pytest.raises(NotAllowed, match="that is for operations/punctuality and its people"):
        airport.by(STRANGER).revoke(request.address)
    assert airport.by(AMELIA).revoke(request.address, "over").state == "revoked"
    for decide in (airport.by(AMELIA).revoke, airport.by(AMELIA).approve):
        with pytest.raises(InvalidTransition, match=r"was revoked by amelia@airport.example on .* \(over\)"):
            decide(request.address)


def test_an_unknown_request_names_the_closest(airport: Airport) -> None:
    request = airport.ask()
    with pytest.raises(UnknownRequest) as refused:
        airport.by(AMELIA).approve(request.address[:-1])
    assert refused.value.hint == f"did you mean '{request.address}'? `alchemesh access list` shows all"


def test_expiry_ends_approved_requests_and_leaves_revoked_ones(airport: Airport, clock: Clock) -> None:
    end = clock.now + timedelta(days=1)
    ending = airport.by(BESSIE).ask(PUBLIC, PUNCTUALITY, "why", end)
    revoked = airport.by(BESSIE).ask(PUBLIC, DESK, "why", end)
    staying = airport.ask(PUBLIC, OPERATIONS)
    airport.by(AMELIA).revoke(revoked.address)
    clock.pass_by(days=1)

    expired = expire_due(airport.registry, airport.environment, FLIGHTS, clock.now)
    assert [each.address for each in expired] == [ending.address]
    assert [airport.state(each) for each in (ending, revoked, staying)] == ["expired", "revoked", "approved"]
    assert expire_due(airport.registry, airport.environment, FLIGHTS, clock.now) == []
    [act] = [act for act in acts_of(airport.registry, airport.environment) if act.operation == "access expire"]
    assert (act.actor, act.reason) == ("calendar", "its end was 2026-01-06 12:00 UTC")


def test_the_next_action_expires_due_requests(airport: Airport, clock: Clock) -> None:
    request = airport.by(BESSIE).ask(RESTRICTED, PUNCTUALITY, "why", clock.now + timedelta(hours=1))
    clock.pass_by(hours=2)
    with pytest.raises(InvalidTransition, match=r"expired on .*: it cannot be approved now"):
        airport.by(AMELIA).approve(request.address)
    assert airport.state(request) == "expired"
    repeated = airport.by(BESSIE).ask(RESTRICTED, DESK, "why", clock.now + timedelta(hours=1))
    clock.pass_by(hours=2)
    assert airport.ask(requester=DESK).address != repeated.address
    assert airport.state(repeated) == "expired"


def test_the_owner_moves_the_end(airport: Airport, clock: Clock) -> None:
    request = airport.by(BESSIE).ask(RESTRICTED, PUNCTUALITY, "why", clock.now + timedelta(days=1))
    with pytest.raises(InvalidTransition):
        airport.by(AMELIA).extend(request.address, None)
    airport.by(AMELIA).approve(request.address)
    with pytest.raises(NotAllowed):
        airport.by(BESSIE).extend(request.address, None)
    with pytest.raises(BadEnd):
        airport.by(AMELIA).extend(request.address, clock.now)
    later = airport.by(AMELIA).extend(request.address, clock.now + timedelta(days=30), "goes on")
    assert later.ends_at == clock.now + timedelta(days=30)
    assert steps(later)[-1] == ("approved", AMELIA, "until 2026-02-04 12:00 UTC: goes on")
    assert airport.by(AMELIA).extend(request.address, None).ends_at is None


def test_a_renewal_is_a_new_request_next_to_the_one_it_renews(airport: Airport, clock: Clock) -> None:
    first = airport.by(BESSIE).ask(RESTRICTED, PUNCTUALITY, "why", clock.now + timedelta(days=1))
    with pytest.raises(AlreadyAsked, match="was requested"):
        airport.by(BESSIE).renew(first.address, None)
    airport.by(AMELIA).approve(first.address)
    with pytest.raises(NotAllowed):
        airport.by(WILBUR).renew(first.address, None)
    renewal = airport.by(BESSIE).renew(first.address, None)
    assert (renewal.state, renewal.purpose, renewal.renews) == ("requested", "why", first.address)
    assert airport.state(first) == "approved"
    with pytest.raises(AlreadyAsked, match=renewal.address):
        airport.by(BESSIE).renew(first.address, None)
    airport.by(AMELIA).approve(renewal.address)
    with pytest.raises(AlreadyAsked, match=f"{renewal.address} was approved"):
        airport.by(BESSIE).renew(renewal.address, None)
    airport.by(AMELIA).revoke(renewal.address)
    clock.pass_by(days=2)
    expire_due(airport.registry, airport.environment, None, clock.now)
    assert airport.by(BESSIE).renew(first.address, None, "another reason").purpose == "another reason"


def test_requests_are_filtered_by_port_product_state_and_requester(airport: Airport, clock: Clock) -> None:
    first = airport.ask()
    clock.pass_by(minutes=1)
    second = airport.ask(PUBLIC, DESK)

    def listed(**by: object) -> list[str]:
        return [each.address for each in list_requests(airport.registry, airport.environment, **by)]

    assert listed() == [second.address, first.address]
    assert listed(port=RESTRICTED) == [first.address]
    assert listed(product=FLIGHTS, states=["approved", "granted"]) == [second.address]
    assert listed(requester="technical_team:operations/desk") == [second.address]
    assert listed(requester="operations/desk") == [second.address]
    assert listed(requester="data_domain:operations/desk") == []
    assert listed(product="aviation/noise") == []


def test_an_unknown_access_type_is_treated_as_restricted(airport: Airport) -> None:
    contract = airport.registry.get(ContractRecord, airport.environment, PUBLIC)
    assert contract is not None
    airport.registry.put(contract.model_copy(update={"access": "everybody"}))
    assert airport.ask(PUBLIC).state == "requested"
