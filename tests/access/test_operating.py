"""Rights to operate: the policies of the mesh decide who may deploy, run and destroy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_platform.access.operating import REFUSED, TAKEN_OVER, Operating, Right, Target
from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.rights import NotAllowed
from alchemesh_platform.app.product.data import delete
from alchemesh_platform.app.rights import OPERATIONS, check_mesh_right, recorded_rights
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.identity.identity import Identity, Mapped
from alchemesh_platform.mesh_repo.difference import plan_changes
from alchemesh_platform.mesh_repo.mesh import Mesh, recorded_mesh
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.policies.models import Policy
from alchemesh_platform.registry.audit import acts_of
from alchemesh_platform.registry.records import PolicyRecord, ProductRecord, Record, UserRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.system.retained import Retained
from tests.mesh_repo.meshes import domain, team, user
from tests.policies.writing import policy

from .airport import AMELIA, BESSIE, FLIGHTS, KATHERINE, ORVILLE, STRANGER, WILBUR, Airport

TARGET = Target.product(FLIGHTS, "flight-data", AMELIA)
FLIGHT_TEAM = Requester("technical_team", "aviation/flight-data")
NEIGHBOUR = "nora@airport.example"  # in another team of the domain
PIPELINE = Identity("repo:acme/flights:ref:refs/heads/main", "https://ci.example", "flights", (Mapped((FLIGHTS,)),))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry in SQLite: the rules are the same in every database."""
    with Registry.open(f"sqlite:///{tmp_path_factory.mktemp('rights')}/registry.db") as opened:
        yield opened


@pytest.fixture
def mesh(airport: Airport) -> Airport:
    """The airport, with a second team in the domain of the flights."""
    environment = airport.environment
    airport.registry.write(
        [team(environment, "aviation/noise", "data_product_team", NEIGHBOUR), user(environment, NEIGHBOUR)]
    )
    return airport


def operating(mesh: Airport, who: str | Identity) -> Operating:
    identity = who if isinstance(who, Identity) else Identity(who, "local")
    return Operating.of(mesh.registry, mesh.environment, identity)


@pytest.mark.parametrize("who", [AMELIA, WILBUR, KATHERINE, PIPELINE], ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_team_owner_platform_owner_and_mapped_pipeline_operate_a_product(
    mesh: Airport, who: str | Identity, operation: str
) -> None:
    assert operating(mesh, who).right(operation, TARGET) == Right(operation)
    assert operating(mesh, who).check(operation, TARGET).allowed


@pytest.mark.parametrize("who", [BESSIE, ORVILLE, STRANGER, NEIGHBOUR])
def test_another_user_is_refused_with_exit_code_4_and_the_audit_records_it(mesh: Airport, who: str) -> None:
    """A consumer of another domain once destroyed a product with its data."""
    with pytest.raises(NotAllowed) as refused:
        operating(mesh, who).check("destroy", TARGET, delete_data=True)
    assert refused.value.exit_code == ExitCode.FORBIDDEN
    assert refused.value.message == (
        f"{who} may not run destroy on {FLIGHTS} in {mesh.environment}: only the product's team, its owner, a platform "
        "owner or a pipeline of the product may do this (policy operate-product)"
    )
    assert refused.value.hint == (
        "ask one of them; users of the product's domain can take it over with --take-over REASON, which is recorded; "
        f"{AMELIA} owns {FLIGHTS}; if you are {AMELIA}, set ALCHEMESH_USER={AMELIA}"
    )
    act = acts_of(mesh.registry, mesh.environment, FLIGHTS)[0]
    assert (act.operation, act.actor, act.address) == (REFUSED, who, FLIGHTS)
    assert act.detail == {"operation": "destroy", "policy": "operate-product"}
    assert act.reason == refused.value.message


def test_kept_data_of_a_cloud_is_deleted_with_the_right_to_destroy_only(
    mesh: Airport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cloud is not asked before: the user may have the right there."""
    bucket = Retained("Bucket", "acme-flights", f"{FLIGHTS}/table", object_type="gcp:storage/bucket:Bucket")
    platform = load_platform(None, "local", tmp_path).model_copy(update={"environment": mesh.environment})
    monkeypatch.setattr(Registry, "open", lambda _url: nullcontext(mesh.registry))
    with pytest.raises(NotAllowed, match=f"{BESSIE} may not run destroy on {FLIGHTS}"):
        delete(platform, [bucket], Identity(BESSIE, "local"))


def test_users_of_the_domain_take_over_with_a_reason_that_the_audit_records(mesh: Airport) -> None:
    rights = operating(mesh, NEIGHBOUR)
    plain = rights.right("up", TARGET)
    assert not plain.allowed and plain.may_take_over
    taken = rights.check("up", TARGET, reason="the team is on holiday")
    assert taken.allowed and taken.take_over
    rights.record_take_over("up", TARGET, "the team is on holiday")
    act = acts_of(mesh.registry, mesh.environment, FLIGHTS)[0]
    assert (act.operation, act.actor, act.reason) == (TAKEN_OVER, NEIGHBOUR, "the team is on holiday")
    with pytest.raises(NotAllowed):
        operating(mesh, BESSIE).check("up", TARGET, reason="it is urgent")


def test_a_reason_takes_nothing_over_from_users_who_may_operate(mesh: Airport) -> None:
    assert not operating(mesh, WILBUR).check("up", TARGET, reason="just in case").take_over


def test_without_a_recorded_mesh_every_user_may_do_everything(registry: Registry, environment: str) -> None:
    rights = Operating.of(registry, f"{environment}-empty", Identity(STRANGER, "local"))
    assert not rights.recorded
    assert rights.check("destroy", TARGET, delete_data=True) == Right("destroy")


def test_a_new_product_belongs_to_the_domain_of_its_address(mesh: Airport) -> None:
    new = Target.product("aviation/gates", "flight-data", BESSIE)
    with pytest.raises(NotAllowed):
        operating(mesh, BESSIE).check("up", new)
    assert operating(mesh, WILBUR).check("up", new).allowed
    own = Target.product("operations/gates", "night-desk", BESSIE)
    assert operating(mesh, BESSIE).check("up", own).allowed, "the declared owner, who owns the domain"


@pytest.mark.parametrize(
    ("who", "declared", "allowed"),
    [
        (WILBUR, Target.product(FLIGHTS, "flight-data", WILBUR), False),
        (WILBUR, Target.product(FLIGHTS, "noise", AMELIA), False),
        (PIPELINE, Target.product(FLIGHTS, "flight-data", WILBUR), False),
        (AMELIA, Target.product(FLIGHTS, "noise", NEIGHBOUR), True),
        (KATHERINE, Target.product(FLIGHTS, "flight-data", WILBUR), True),
        (WILBUR, TARGET, True),
    ],
    ids=str,
)
def test_a_new_owner_or_team_needs_those_who_decide_today(
    mesh: Airport, who: str | Identity, declared: Target, allowed: bool
) -> None:
    """A member of the team could once make themselves the owner, and decide about access."""
    right = operating(mesh, who).right("up", declared)
    assert (right.allowed, right.policy) == (allowed, "" if allowed else "change-of-owner")


def test_the_owner_of_the_domain_gives_a_product_another_owner(mesh: Airport) -> None:
    mesh.registry.put(domain(mesh.environment, "aviation", owner=NEIGHBOUR))
    taken = operating(mesh, NEIGHBOUR).check("up", Target.product(FLIGHTS, "noise", NEIGHBOUR), reason="Amelia left")
    assert taken.take_over


@pytest.mark.parametrize(("who", "allowed"), [(AMELIA, True), (KATHERINE, True), (WILBUR, False), (BESSIE, False)])
def test_the_stack_of_a_domain_is_for_its_owner_and_platform_owners(mesh: Airport, who: str, allowed: bool) -> None:
    assert operating(mesh, who).right("destroy", Target.domain("aviation")).allowed is allowed


@pytest.mark.parametrize(("who", "allowed"), [(KATHERINE, True), (AMELIA, False)])
def test_the_stack_of_the_platform_is_for_platform_owners(mesh: Airport, who: str, allowed: bool) -> None:
    assert operating(mesh, who).right("up", Target.platform("prod")).allowed is allowed


def own_policy(
    mesh: Airport, require: str, *, name: str = "ours", effect: str = "deny", when: str | None = None
) -> None:
    own: Policy = policy(require, name=name, applies_to="operation", effect=effect, when=when)
    mesh.registry.put(
        PolicyRecord(
            environment=mesh.environment,
            address=name,
            owner="mesh-governance",
            effect=effect,
            document=own.model_dump(mode="json", exclude={"cases"}),
        )
    )


def test_a_policy_of_the_mesh_replaces_a_shipped_one_and_sees_user_environment_and_operation(mesh: Airport) -> None:
    own_policy(mesh, f"user.email == '{ORVILLE}'", name="operate-product", when="operation.target == 'product'")
    assert operating(mesh, ORVILLE).right("up", TARGET).allowed
    assert not operating(mesh, AMELIA).right("up", TARGET).allowed


def test_a_policy_of_the_mesh_adds_to_the_shipped_ones(mesh: Airport) -> None:
    own_policy(
        mesh,
        "user.pipeline != '' || operation.name == 'run'",
        when=f"environment == '{mesh.environment}' && operation.target == 'product'",
    )
    assert operating(mesh, PIPELINE).right("up", TARGET).allowed
    assert operating(mesh, WILBUR).right("run", TARGET).allowed
    assert operating(mesh, WILBUR).right("up", TARGET).policy == "ours"


def test_a_policy_that_warns_refuses_nothing(mesh: Airport) -> None:
    own_policy(mesh, "!operation.delete_data", effect="warn", when="operation.target == 'product'")
    right = operating(mesh, AMELIA).check("destroy", TARGET, delete_data=True)
    assert right.allowed and right.warnings == ("policy ours: the rule is broken",)


def test_a_policy_that_fails_refuses(mesh: Airport) -> None:
    own_policy(mesh, "user.teams[9] == 'x'", when="operation.target == 'product'")
    assert operating(mesh, AMELIA).right("up", TARGET).policy == "ours"


def test_an_approval_of_an_own_request_is_a_warning_and_recorded(mesh: Airport) -> None:
    warned: list[str] = []
    request = mesh.ask(requester=FLIGHT_TEAM, by=AMELIA)
    replace(mesh.by(AMELIA), report=warned.append).approve(request.address)
    assert warned == ["warning: policy own-request: the user approves their own request"]
    act = next(act for act in acts_of(mesh.registry, mesh.environment, FLIGHTS) if act.operation == "access approve")
    assert act.detail["own_request"] is True


def test_a_policy_of_the_mesh_refuses_the_approval_of_an_own_request(mesh: Airport) -> None:
    own_policy(mesh, "!operation.own_request", name="own-request", when="operation.name == 'access approve'")
    request = mesh.ask(requester=FLIGHT_TEAM, by=AMELIA)
    with pytest.raises(NotAllowed, match="policy own-request"):
        mesh.by(AMELIA).approve(request.address)
    assert mesh.state(request) == "requested"
    assert mesh.by(KATHERINE).approve(request.address).state == "approved"


def apply_right(mesh: Airport, who: str, changed: Record) -> None:
    """Check the right of a user to change one record of the mesh."""
    recorded = recorded_mesh(mesh.registry, mesh.environment)
    kinds = (recorded.domains, recorded.teams, recorded.users, recorded.policies)
    records: list[Record] = [record for kind in kinds for record in kind.values()]
    others = [record for record in records if (record.kind, record.address) != (changed.kind, changed.address)]
    difference = plan_changes(Mesh.of([*others, changed]), recorded)
    check_mesh_right(mesh.registry, mesh.environment, Identity(who, "local"), difference)


def test_only_a_platform_owner_makes_a_platform_owner(mesh: Airport) -> None:
    """Otherwise any user could give themselves every right by `mesh apply`."""
    mine = user(mesh.environment, ORVILLE, "platform_owner")
    with pytest.raises(NotAllowed, match="policy apply-mesh"):
        apply_right(mesh, ORVILLE, mine)
    apply_right(mesh, KATHERINE, mine)


def test_the_owner_of_a_domain_changes_its_teams_only(mesh: Airport) -> None:
    apply_right(mesh, AMELIA, team(mesh.environment, "aviation/flight-data", "data_product_team", AMELIA))
    with pytest.raises(NotAllowed):
        apply_right(mesh, AMELIA, team(mesh.environment, "operations/desk", "data_product_team", AMELIA))
    with pytest.raises(NotAllowed):
        apply_right(mesh, AMELIA, domain(mesh.environment, "operations", owner=AMELIA))


def test_a_mesh_without_a_platform_owner_can_get_one(mesh: Airport) -> None:
    mesh.registry.remove(UserRecord, mesh.environment, KATHERINE)
    apply_right(mesh, ORVILLE, user(mesh.environment, ORVILLE, "platform_owner"))


def test_the_team_of_a_destroyed_product_may_delete_its_data(mesh: Airport) -> None:
    mesh.registry.remove(ProductRecord, mesh.environment, FLIGHTS)
    gone = Target.product(FLIGHTS)
    assert operating(mesh, WILBUR).right("destroy", gone, delete_data=True).allowed
    assert not operating(mesh, BESSIE).right("destroy", gone, delete_data=True).allowed
    assert not operating(mesh, NEIGHBOUR).right("destroy", gone, delete_data=True).allowed
    never = Target.product("aviation/never")
    assert not operating(mesh, WILBUR).right("destroy", never, delete_data=True).allowed


def test_teams_of_a_user_are_found_by_the_whole_email(mesh: Airport) -> None:
    for email in ("ora@airport.example", "nora@airport.example.org", 'q"uote_d%@airport.example'):
        mesh.registry.write(
            [
                user(mesh.environment, email),
                team(mesh.environment, f"aviation/t{len(email)}", "data_product_team", email),
            ]
        )
        assert operating(mesh, email).user.teams == (f"aviation/t{len(email)}",)
    assert operating(mesh, NEIGHBOUR).user.teams == ("aviation/noise",)


def test_rights_on_a_product_are_shown_for_each_operation(mesh: Airport) -> None:
    shown = recorded_rights(mesh.registry, mesh.environment, Identity(NEIGHBOUR, "local"), FLIGHTS).as_json()
    assert (shown["on"], shown["recorded"], shown["deployed"]) == (FLIGHTS, True, True)
    by_operation = {right["operation"]: right for right in shown["rights"]}
    assert list(by_operation) == [*OPERATIONS, "access approve", "contract notice", "contract override"]
    assert by_operation["up"] == {
        "operation": "up",
        "allowed": False,
        "take_over": True,
        "policy": "operate-product",
        "message": "only the product's team, its owner, a platform owner or a pipeline of the product may do this",
        "warnings": [],
    }
    owner = recorded_rights(mesh.registry, mesh.environment, Identity(AMELIA, "local"), FLIGHTS)
    assert {right.operation for right in owner.rights if not right.allowed} == {"contract override"}
