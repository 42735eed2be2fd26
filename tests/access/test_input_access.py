"""Access of a product to its input ports: through its own request, or a request of its team or domain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alchemesh_platform.access.grants.desired_grants import with_grants
from alchemesh_platform.access.requester import Requester
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.deployment.grants.input_access import access_problems, announcements, input_access
from alchemesh_platform.observed.product import product_status
from alchemesh_platform.registry.records import PortRecord, ProductRecord, RequestState
from tests.compose.reader import composed_reader

from .airport import AMELIA, BESSIE, DESK, INTERNAL, KATHERINE, OPERATIONS, PUBLIC, PUNCTUALITY, RESTRICTED, Airport
from .conftest import Clock


def reader(airport: Airport, origin: str, domain: str = "operations") -> Plan:
    """The plan of a product that reads a port."""
    return composed_reader(origin, domain=domain, environment=airport.environment)


def standing(airport: Airport, origin: str, clock: Clock, domain: str = "operations") -> str:
    [found] = input_access(airport.registry, reader(airport, origin, domain), clock.now)
    return found.status


@pytest.mark.parametrize(
    ("origin", "domain", "expected"),
    [
        (RESTRICTED, "operations", "missing"),
        (RESTRICTED, "aviation", "missing"),
        (INTERNAL, "operations", "missing"),
        (INTERNAL, "aviation", "at_once"),
        (PUBLIC, "operations", "at_once"),
    ],
)
def test_without_a_request_the_access_type_decides_what_up_may_do(
    airport: Airport, clock: Clock, origin: str, domain: str, expected: str
) -> None:
    assert standing(airport, origin, clock, domain) == expected


@pytest.mark.parametrize("requester", [PUNCTUALITY, DESK, OPERATIONS], ids=str)
def test_requests_of_the_product_its_team_and_its_domain_count(
    airport: Airport, clock: Clock, requester: Requester
) -> None:
    request = airport.ask(RESTRICTED, requester)
    assert standing(airport, RESTRICTED, clock) == "undecided"
    airport.by(AMELIA).approve(request.address)
    assert standing(airport, RESTRICTED, clock) == "approved"
    airport.by(AMELIA).revoke(request.address)
    assert standing(airport, RESTRICTED, clock) == "missing"


def test_requests_of_others_and_expired_requests_do_not_count(airport: Airport, clock: Clock) -> None:
    airport.by(BESSIE).ask(PUBLIC, Requester("user", BESSIE), "curiosity")
    assert standing(airport, PUBLIC, clock) == "at_once"
    airport.by(BESSIE).ask(RESTRICTED, PUNCTUALITY, "why", clock.now + timedelta(hours=1))
    clock.pass_by(hours=2)
    assert standing(airport, RESTRICTED, clock) == "missing"


def test_missing_access_is_reported_at_the_line_of_the_port_with_the_command(airport: Airport, clock: Clock) -> None:
    plan = reader(airport, RESTRICTED)
    [problem] = access_problems(input_access(airport.registry, plan, clock.now), plan, "error")
    assert problem.path == "input_ports[0].from"
    assert "no one requested access" in problem.message
    assert problem.hint == (
        f'`alchemesh access request {RESTRICTED} --as {PUNCTUALITY} --purpose "…" -e {airport.environment}`'
    )
    request = airport.ask()
    airport.by(AMELIA).reject(request.address, "no")
    [problem] = access_problems(input_access(airport.registry, plan, clock.now), plan, "error")
    assert f"{request.address} was rejected by {AMELIA}" in problem.message


def test_the_plan_announces_the_requests_that_up_makes(airport: Airport, clock: Clock) -> None:
    plan = reader(airport, PUBLIC)
    access = input_access(airport.registry, plan, clock.now)
    assert access_problems(access, plan, "error") == []
    assert announcements(access) == (
        f"`up` requests access to {PUBLIC}, which a rule approves (contract, public: every request is approved "
        "at once), and deploys the grant",
    )


def test_a_port_that_is_not_deployed_is_left_to_its_subscription(airport: Airport, clock: Clock) -> None:
    assert input_access(airport.registry, reader(airport, "aviation/flights/nowhere"), clock.now) == []


def test_a_plan_has_the_grants_of_this_moment_by_port(airport: Airport, clock: Clock) -> None:
    ends_at = clock.now + timedelta(days=1)
    ours = airport.ask(PUBLIC, DESK)
    ending = airport.by(BESSIE).ask(PUBLIC, PUNCTUALITY, "why", ends_at)
    airport.ask(RESTRICTED, OPERATIONS)
    plan = composed_reader("x/y/z", name="flights", domain="aviation", environment=airport.environment, output="public")

    def grants() -> dict[str, Any]:
        [port] = with_grants(airport.registry, plan, clock.now).outputs
        return {granted.consumer.request: granted.consumer for granted in port.grants}

    assert grants().keys() == {ours.address, ending.address}
    assert grants()[ours.address].users == (BESSIE, "orville@airport.example")
    assert grants()[ending.address].ends_at == ends_at
    clock.pass_by(days=1)
    assert grants().keys() == {ours.address}


@pytest.mark.parametrize(("act", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_status_shows_a_consumer_the_state_of_its_access(airport: Airport, act: str, state: RequestState) -> None:
    registry, environment = airport.registry, airport.environment
    registry.write(
        [
            ProductRecord(
                environment=environment,
                address=PUNCTUALITY.address,
                team="desk",
                owner=BESSIE,
                version="1.0.0",
                lifecycle="stable",
            ),
            PortRecord(
                environment=environment,
                address=f"{PUNCTUALITY.address}/flights",
                product=PUNCTUALITY.address,
                direction="input",
                origin=RESTRICTED,
                from_product=True,
            ),
        ]
    )

    def access() -> Any:
        return product_status(registry, environment, PUNCTUALITY.address, {}).inputs[0].access

    assert access() is None
    request = airport.ask()
    getattr(airport.by(KATHERINE), act)(request.address, "so it is")
    assert (access().request, access().state, access().by, access().reason) == (
        request.address,
        state,
        KATHERINE,
        "so it is",
    )
