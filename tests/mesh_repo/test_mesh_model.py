"""For any recorded and any declared mesh: one apply makes them equal, and never removes a referenced object."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alchemesh_platform.mesh_repo.apply import apply_mesh
from alchemesh_platform.mesh_repo.difference import plan_changes
from alchemesh_platform.mesh_repo.mesh import Mesh, recorded_mesh
from alchemesh_platform.mesh_repo.references import StillReferenced
from alchemesh_platform.registry.records import ProductRecord, Record
from alchemesh_platform.registry.store import Registry
from tests.lanes import examples
from tests.mesh_repo.meshes import domain, inflow, product, system, team, user

ENVIRONMENT = "env"
DOMAINS = st.sampled_from(["aviation", "operations"])
NAMES = st.sampled_from(["a", "b"])
EMAILS = st.sampled_from(["amelia@a.example", "bessie@a.example"])
ADDRESSES = st.builds("{}/{}".format, DOMAINS, NAMES)
RECORDS = st.one_of(
    st.builds(domain, st.just(ENVIRONMENT), DOMAINS, st.sampled_from(["source_aligned", "aggregated"]), EMAILS),
    st.builds(
        lambda address, kind, members: team(ENVIRONMENT, address, kind, *members),
        ADDRESSES,
        st.sampled_from(["data_product_team", "platform_team"]),
        st.sets(EMAILS),
    ),
    st.builds(system, st.just(ENVIRONMENT), ADDRESSES, st.sampled_from(["", "Oracle"])),
    st.builds(
        lambda email, personas: user(ENVIRONMENT, email, *personas),
        EMAILS,
        st.sets(st.sampled_from(["data_product_owner", "platform_owner"])),
    ),
)
MESHES = st.lists(RECORDS, max_size=14).map(Mesh.of)
PRODUCTS = st.lists(
    st.builds(
        lambda of, team_name, owner, systems: product(ENVIRONMENT, f"{of}/p", team_name, owner, tuple(sorted(systems))),
        DOMAINS,
        NAMES,
        EMAILS,
        st.sets(NAMES),
    ),
    max_size=2,
    unique_by=lambda record: record.address,
)
LAWS = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url) as opened:
        yield opened


def of(environment: str, records: Iterator[Record] | list[Record]) -> list[Record]:
    return [record.model_copy(update={"environment": environment}) for record in records]


def intact(product: ProductRecord, mesh: Mesh) -> dict[str, bool]:
    """The references of a product that exist and have the expected kind."""
    home = product.address.partition("/")[0]
    owner, own_team = mesh.users.get(product.owner), mesh.teams.get(f"{home}/{product.team}")
    return {
        "domain": home in mesh.domains,
        "team": own_team is not None and own_team.team_kind == "data_product_team",
        "owner": owner is not None and "data_product_owner" in owner.personas,
        **{name: f"{home}/{name}" in mesh.source_systems for name in product.source_systems},
    }


@LAWS
@given(before=MESHES, after=MESHES)
def test_difference_turns_one_mesh_into_the_other_in_both_directions(before: Mesh, after: Mesh) -> None:
    there, back = plan_changes(after, before), plan_changes(before, after)

    standing = {(record.kind, record.address): record for record in before.records()}
    for change in there.changes:
        key = (change.record.kind, change.record.address)
        assert standing.pop(key, None) == change.before
        assert bool(change.fields) == (change.change == "updated")
        if change.after is not None:
            standing[key] = change.after
    assert standing == {(record.kind, record.address): record for record in after.records()}
    assert [(change.after, change.before) for change in back.changes] == [
        (change.before, change.after) for change in there.changes
    ]
    assert not plan_changes(after, after)


@LAWS
@given(first=MESHES, second=MESHES)
def test_applied_mesh_is_the_recorded_one_and_applying_again_does_nothing(
    registry: Registry, first: Mesh, second: Mesh
) -> None:
    environment = f"env-{uuid.uuid4().hex[:12]}"
    for mesh in (first, second):
        wanted = Mesh.of(of(environment, mesh.records()))
        assert apply_mesh(registry, environment, wanted) == plan_changes(
            wanted, Mesh.of(of(environment, first.records())) if mesh is second else Mesh()
        )
        assert recorded_mesh(registry, environment) == wanted
        reported = registry.history(environment)
        assert not apply_mesh(registry, environment, wanted)
        assert registry.history(environment) == reported


@LAWS
@given(first=MESHES, second=MESHES, products=PRODUCTS)
def test_referenced_objects_are_never_removed(
    registry: Registry, first: Mesh, second: Mesh, products: list[ProductRecord]
) -> None:
    environment = f"env-{uuid.uuid4().hex[:12]}"
    before, after = (Mesh.of(of(environment, mesh.records())) for mesh in (first, second))
    registry.write([*before.records(), *of(environment, products)])
    lost = {
        (each.address, name)
        for each in products
        for name, there in intact(each, before).items()
        if there and not intact(each, after)[name]
    }

    try:
        apply_mesh(registry, environment, after)
    except StillReferenced as refused:
        assert {reference.by for reference in refused.references} >= {address for address, _ in lost}
        assert recorded_mesh(registry, environment) == before
        assert all(reference.by in str(refused) for reference in refused.references)
    else:
        assert not lost
        assert recorded_mesh(registry, environment) == after


def test_port_without_its_product_still_refers_to_its_source_system(registry: Registry, environment: str) -> None:
    """A failed `up` leaves records of ports without their product."""
    registry.write(
        [system(environment, "aviation/dispatch"), inflow(environment, "aviation/dispatch", "aviation/p/in")]
    )

    with pytest.raises(StillReferenced, match="source system aviation/dispatch: aviation/p"):
        apply_mesh(registry, environment, Mesh())
