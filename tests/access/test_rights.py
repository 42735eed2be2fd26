"""The rights to request access, decide a request and act on it."""

from __future__ import annotations

import pytest

from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.rights import (
    NotAllowed,
    check_asks,
    check_decides,
    check_speaks_for,
    check_takes_part,
    owner_of,
    people_of,
    speaks_for,
)
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.records import AccessRequestRecord, ProductRecord, UserRecord
from alchemesh_platform.registry.store import Registry, utc_now
from tests.access.airport import (
    AMELIA,
    BESSIE,
    FLIGHTS,
    KATHERINE,
    ORVILLE,
    PUBLIC,
    STRANGER,
    WILBUR,
    Airport,
    product_records,
)
from tests.mesh_repo.meshes import domain, product, team, user

HANGAR = "helga@airport.example"  # owns a domain, and is in none of its teams
NOISE_OWNER = "nora@airport.example"  # owns a product, and is not in its team


@pytest.fixture
def mesh(airport: Airport) -> Airport:
    """The airport, with owners outside the teams of their products."""
    environment = airport.environment
    airport.registry.write(
        [
            domain(environment, "maintenance", owner=HANGAR),
            team(environment, "maintenance/hangar", "data_product_team", WILBUR),
            product(environment, "aviation/noise", "flight-data", NOISE_OWNER),
            user(environment, HANGAR, "data_product_owner"),
            user(environment, NOISE_OWNER, "data_product_owner"),
        ]
    )
    return airport


@pytest.mark.parametrize(
    ("kind", "address", "people"),
    [
        ("user", ORVILLE, {ORVILLE}),
        ("technical_team", "operations/desk", {BESSIE, ORVILLE}),
        ("technical_team", "operations/no-such-team", set()),
        ("data_domain", "operations", {BESSIE, ORVILLE}),
        ("data_domain", "maintenance", {HANGAR, WILBUR}),
        ("data_domain", "no-such-domain", set()),
        ("data_product", "aviation/noise", {NOISE_OWNER, AMELIA, WILBUR}),
        ("data_product", "aviation/no-such-product", set()),
    ],
)
def test_each_kind_of_requester_has_its_people(mesh: Airport, kind: str, address: str, people: set[str]) -> None:
    found = people_of(mesh.registry, mesh.environment, Requester(kind, address))  # type: ignore[arg-type]
    assert found == people


def asked(mesh: Airport, by: str = NOISE_OWNER) -> AccessRequestRecord:
    return mesh.ask(requester=Requester("data_product", "aviation/noise"), by=by)


@pytest.mark.parametrize("subject", [NOISE_OWNER, AMELIA, WILBUR])
def test_the_people_of_a_product_may_act_for_it(mesh: Airport, subject: str) -> None:
    request = asked(mesh)
    identity = Identity(subject, "local")
    assert speaks_for(mesh.registry, identity, request)
    check_speaks_for(mesh.registry, identity, request, "get the credential of")
    check_takes_part(mesh.registry, identity, request, "cancel")


@pytest.mark.parametrize("subject", [BESSIE, KATHERINE, STRANGER])
def test_only_the_people_of_a_requester_may_act_for_it(mesh: Airport, subject: str) -> None:
    request = asked(mesh)
    with pytest.raises(NotAllowed) as refused:
        check_speaks_for(mesh.registry, Identity(subject, "local"), request, "get the credential of")
    assert refused.value.message == (
        f"{subject} may not get the credential of {request.address}: that is for aviation/noise and its people"
    )


def test_the_author_of_a_request_has_no_right_to_it_after_leaving_the_team(mesh: Airport) -> None:
    """The author of a request once got its credential for ever: out of the team, and out of the mesh."""
    request = asked(mesh, by=WILBUR)
    mesh.registry.put(team(mesh.environment, "aviation/flight-data", "data_product_team", AMELIA))
    assert WILBUR not in people_of(mesh.registry, mesh.environment, Requester.of(request))
    identity = Identity(WILBUR, "local")
    assert not speaks_for(mesh.registry, identity, request)
    for check, what in ((check_speaks_for, "get the credential of"), (check_takes_part, "revoke")):
        with pytest.raises(NotAllowed):
            check(mesh.registry, identity, request, what)


def test_a_user_who_left_the_mesh_has_no_right_to_their_own_request(mesh: Airport) -> None:
    request = mesh.ask(requester=Requester("user", ORVILLE))
    assert speaks_for(mesh.registry, Identity(ORVILLE, "local"), request)
    mesh.registry.remove(UserRecord, mesh.environment, ORVILLE)
    assert not speaks_for(mesh.registry, Identity(ORVILLE, "local"), request)
    assert resolve(mesh.registry, mesh.environment, Requester("user", ORVILLE)).users == ()


def test_the_people_of_its_domain_represent_a_product_that_is_not_deployed(mesh: Airport) -> None:
    request = mesh.ask(requester=Requester("data_product", "operations/gates"), by=BESSIE)
    assert speaks_for(mesh.registry, Identity(ORVILLE, "local"), request)
    assert not speaks_for(mesh.registry, Identity(AMELIA, "local"), request)


def test_without_a_recorded_mesh_users_request_for_themselves_only(registry: Registry, environment: str) -> None:
    """`--as user:X` once gave X's credential to everybody where no mesh was recorded."""
    registry.write(product_records(environment))
    orville, stranger = Requester("user", ORVILLE), Identity(STRANGER, "local")
    with pytest.raises(NotAllowed) as refused:
        check_asks(registry, environment, stranger, orville)
    assert refused.value.message == (
        f"{STRANGER} may not request access for user:{ORVILLE}: no mesh is recorded in {environment}, so users request "
        "for themselves only"
    )
    check_asks(registry, environment, Identity(ORVILLE, "local"), orville)
    check_asks(registry, environment, stranger, Requester("technical_team", "operations/desk"))
    mine = Airport(registry, environment, utc_now).by(ORVILLE).ask(PUBLIC, orville, "a study")
    assert speaks_for(registry, Identity(ORVILLE, "local"), mine)
    authored = mine.model_copy(update={"steps": (mine.steps[0].model_copy(update={"by": STRANGER}),)})
    assert not speaks_for(registry, stranger, authored), "a request that somebody made before this rule"
    team_request = authored.model_copy(update={"requester_kind": "technical_team", "requester": "operations/desk"})
    assert speaks_for(registry, stranger, team_request)


def test_a_platform_owner_of_another_environment_has_no_rights(mesh: Airport) -> None:
    request = asked(mesh)
    check_takes_part(mesh.registry, Identity(KATHERINE, "local"), request, "cancel")
    elsewhere = request.model_copy(update={"environment": f"{mesh.environment}-other"})
    with pytest.raises(NotAllowed):
        check_takes_part(mesh.registry, Identity(KATHERINE, "local"), elsewhere, "cancel")


def test_a_refusal_names_the_permitted_people_and_how_to_set_the_user(mesh: Airport) -> None:
    request = asked(mesh)
    with pytest.raises(NotAllowed) as refused:
        check_takes_part(mesh.registry, Identity(STRANGER, "local"), request, "cancel")
    assert refused.value.message == (
        f"{STRANGER} may not cancel {request.address}: that is for aviation/noise and its people"
        f", or for {AMELIA}, who owns {FLIGHTS}"
    )
    assert refused.value.hint == f"if you are {AMELIA}, set ALCHEMESH_USER={AMELIA}"
    with pytest.raises(NotAllowed) as proven:
        check_takes_part(mesh.registry, Identity(STRANGER, "https://issuer.example"), request, "cancel")
    assert proven.value.hint is None, "a verified identity cannot be changed by a variable"


def test_platform_owners_decide_requests_for_a_removed_product(mesh: Airport) -> None:
    request = asked(mesh)
    mesh.registry.remove(ProductRecord, mesh.environment, FLIGHTS)
    assert owner_of(mesh.registry, request) is None
    check_decides(mesh.registry, Identity(KATHERINE, "local"), request, "approve")
    with pytest.raises(NotAllowed) as refused:
        check_decides(mesh.registry, Identity(AMELIA, "local"), request, "approve")
    assert refused.value.message == (
        f"{AMELIA} may not approve {request.address}: it is decided by the owner of {FLIGHTS}, which is not deployed, "
        "or by a platform owner"
    )
    assert refused.value.hint is None
    with pytest.raises(NotAllowed) as outside:
        check_takes_part(mesh.registry, Identity(STRANGER, "local"), request, "cancel")
    assert outside.value.message == (
        f"{STRANGER} may not cancel {request.address}: that is for aviation/noise and its people"
    )
