"""Referenced objects stay, and an error names the references."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.mesh_repo.apply import apply_mesh, preview_mesh
from alchemesh_platform.mesh_repo.mesh import Mesh, recorded_mesh
from alchemesh_platform.mesh_repo.references import Reference, StillReferenced
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    ProductRecord,
    Record,
    RequesterKind,
    RequestState,
    RequestStep,
)
from alchemesh_platform.registry.store import Registry
from tests.mesh_repo.meshes import airport_mesh, domain, product, team, user

FLIGHTS = "aviation/flights"


@pytest.fixture(scope="module")
def opened(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url) as registry:
        yield registry


@pytest.fixture
def registry(opened: Registry, environment: str) -> Registry:
    """The airport's mesh, with a product that has every kind of reference."""
    apply_mesh(opened, environment, airport_mesh(environment))
    opened.put(product(environment, FLIGHTS, source_systems=("dispatch",)))
    return opened


@pytest.mark.parametrize(
    ("gone", "references"),
    [
        (("aviation/dispatch",), [Reference("source_system", "aviation/dispatch", "", FLIGHTS)]),
        (("aviation/flight-data",), [Reference("team", "aviation/flight-data", "", FLIGHTS)]),
        (("amelia@a.example",), [Reference("user", "amelia@a.example", "", FLIGHTS)]),
        (
            ("aviation", "aviation/flight-data", "aviation/dispatch"),
            [
                Reference("domain", "aviation", "", FLIGHTS),
                Reference("source_system", "aviation/dispatch", "", FLIGHTS),
                Reference("team", "aviation/flight-data", "", FLIGHTS),
            ],
        ),
        (("operations", "operations/desk", "bessie@a.example"), []),
    ],
)
def test_removal_is_refused_with_the_references(
    registry: Registry, environment: str, gone: tuple[str, ...], references: list[Reference]
) -> None:
    wanted = airport_mesh(environment, without=gone)
    if not references:
        assert len(apply_mesh(registry, environment, wanted).removed) == len(gone)
        return

    for act in (preview_mesh, apply_mesh):
        with pytest.raises(StillReferenced) as refused:
            act(registry, environment, wanted)
        assert list(refused.value.references) == references
        assert refused.value.exit_code == ExitCode.FORBIDDEN
    assert recorded_mesh(registry, environment) == airport_mesh(environment)


@pytest.mark.parametrize(
    ("changed", "loss"),
    [
        (
            user("", "amelia@a.example", "platform_owner"),
            "user amelia@a.example without the persona data_product_owner",
        ),
        (
            team("", "aviation/flight-data", "platform_team"),
            "team aviation/flight-data without the kind data_product_team",
        ),
        (user("", "amelia@a.example", "data_product_owner"), None),
        (team("", "aviation/flight-data"), None),
        (domain("", "aviation", owner="bessie@a.example"), None),
        (user("", "bessie@a.example", "platform_owner"), None),
        (team("", "operations/desk", "governance_group"), None),
    ],
)
def test_change_that_removes_a_referenced_object_is_refused(
    registry: Registry, environment: str, changed: Record, loss: str | None
) -> None:
    wanted = airport_mesh(environment, changed.model_copy(update={"environment": environment}))
    if loss is None:
        assert len(apply_mesh(registry, environment, wanted).updated) == 1
    else:
        with pytest.raises(StillReferenced, match=f"{loss}: {FLIGHTS}"):
            apply_mesh(registry, environment, wanted)


def test_unreferenced_objects_can_be_removed(registry: Registry, environment: str) -> None:
    with pytest.raises(StillReferenced):
        apply_mesh(registry, environment, Mesh())
    registry.remove(ProductRecord, environment, FLIGHTS)

    assert len(apply_mesh(registry, environment, Mesh()).removed) == 7
    assert recorded_mesh(registry, environment) == Mesh()


def test_product_of_another_environment_blocks_no_removal(registry: Registry, environment: str) -> None:
    other = f"{environment}-other"
    apply_mesh(registry, other, airport_mesh(other))

    assert len(apply_mesh(registry, other, Mesh()).removed) == 7


def test_reference_to_an_undeclared_object_blocks_no_removal(opened: Registry, environment: str) -> None:
    """The first mesh repo of a company comes after its first products."""
    opened.put(product(environment, "aviation/flights", "no-such-team", "nobody@a.example", ("no-such-system",)))

    assert len(apply_mesh(opened, environment, airport_mesh(environment)).created) == 7


def test_many_references_are_counted_and_not_listed(registry: Registry, environment: str) -> None:
    registry.write([product(environment, f"aviation/p{number:02}") for number in range(20)])

    with pytest.raises(StillReferenced) as refused:
        apply_mesh(registry, environment, airport_mesh(environment, without=("aviation/flight-data",)))

    assert refused.value.message == (
        "nothing was changed: a thing that would be removed is still referred to\n\n"
        "  team aviation/flight-data: aviation/flights, aviation/p00, aviation/p01, aviation/p02, aviation/p03 "
        "and 16 more"
    )
    assert refused.value.hint == (
        "change or destroy those products first, reject or revoke those access requests, destroy domains' stacks "
        "with `alchemesh domain destroy`, or keep the referenced things in the mesh repo"
    )
    assert len(refused.value.references) == 21


@pytest.mark.parametrize(
    ("kind", "requester", "gone"),
    [
        ("technical_team", "operations/desk", ("team", "operations/desk")),
        ("data_domain", "operations", ("domain", "operations")),
    ],
)
@pytest.mark.parametrize("state", ["requested", "approved", "granted", "revoked", "rejected", "expired"])
def test_a_requester_stays_while_its_request_is_open_or_granted(
    registry: Registry,
    environment: str,
    kind: RequesterKind,
    requester: str,
    gone: tuple[str, str],
    state: RequestState,
) -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    registry.put(
        AccessRequestRecord(
            environment=environment,
            address="req-0a1b2c3d",
            product=FLIGHTS,
            port=f"{FLIGHTS}/table",
            requester_kind=kind,
            requester=requester,
            purpose="why not",
            state=state,
            steps=(RequestStep(state=state, at=at, by=requester),),
        )
    )
    wanted = airport_mesh(environment, without=("operations", "operations/desk", "bessie@a.example"))
    if state in {"revoked", "rejected", "expired"}:
        assert len(apply_mesh(registry, environment, wanted).removed) == 3
        return
    with pytest.raises(StillReferenced) as refused:
        apply_mesh(registry, environment, wanted)
    assert refused.value.references == (Reference(*gone, "", f"req-0a1b2c3d ({FLIGHTS}/table, {state})"),)


@pytest.mark.parametrize("state", ["requested", "approved", "granted"])
def test_removing_a_user_revokes_the_requests_that_they_made_for_themselves(
    registry: Registry, environment: str, state: RequestState
) -> None:
    """Such a request once kept its user in the mesh, so nobody could offboard them."""
    orville = user(environment, "orville@a.example", "data_product_consumer")
    apply_mesh(registry, environment, airport_mesh(environment, orville))
    step = RequestStep(state=state, at=datetime(2026, 1, 5, tzinfo=UTC), by="orville@a.example")
    registry.put(
        AccessRequestRecord(
            environment=environment,
            address="req-0a1b2c3d",
            product=FLIGHTS,
            port=f"{FLIGHTS}/table",
            requester_kind="user",
            requester="orville@a.example",
            purpose="why not",
            state=state,
            steps=(step,),
        )
    )
    apply_mesh(registry, environment, airport_mesh(environment), identity=Identity("katherine@a.example", "local"))
    request = registry.get(AccessRequestRecord, environment, "req-0a1b2c3d")
    assert request is not None
    last = request.steps[-1]
    assert (request.state, last.by, last.reason) == ("revoked", "katherine@a.example", "the user left the mesh")
    act = next(act for act in acts_of(registry, environment) if act.operation == "access revoke")
    assert (act.actor, act.address, act.reason) == ("katherine@a.example", "req-0a1b2c3d", "the user left the mesh")
