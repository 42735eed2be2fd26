"""From files to records and back: both databases record the applied mesh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from alchemesh_platform.base.problems import Location, ProblemsFound
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.mesh_repo.apply import apply_mesh, preview_mesh
from alchemesh_platform.mesh_repo.load import NoMeshRepo, load_mesh_repo
from alchemesh_platform.mesh_repo.mesh import Mesh, mesh_around, recorded_mesh
from alchemesh_platform.mesh_repo.product_check import check_product
from alchemesh_platform.policies.models import Policy
from alchemesh_platform.registry.records import DomainRecord, TeamRecord, UserRecord
from alchemesh_platform.registry.store import Registry
from tests.mesh_repo.meshes import airport, airport_mesh, domain, product, system, team, user

USERS = """\
kind: Users
users:
  - {email: bessie@a.example, name: Bessie, personas: [platform_owner, data_product_consumer]}
  - {email: amelia@a.example, name: Amelia, personas: [data_product_owner]}
"""
NAMING = """\
kind: Policy
name: naming
owner: rules
description: Names begin with ac.
require: product.name.startsWith('ac-')
effect: devalue
points: 20
message: the name does not begin with ac-
hint: begin it with ac-
cases:
  - {name: begins so, given: {product: {name: ac-flights}}, expect: passed}
"""
AVIATION = """\
kind: Domain
name: aviation
type: source_aligned
owner: amelia@a.example
description: What happens on the airports.
teams:
  - {name: flight-data, members: [bessie@a.example, amelia@a.example]}
  - {name: rules, kind: governance_group}
source_systems:
  - {name: dispatch, description: Departures., technology: Oracle, contact: "extension 204"}
"""


@pytest.fixture(scope="module")
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url) as opened:
        yield opened


def manifest(**values: object) -> DataProduct:
    given = {
        "kind": "DataProduct",
        "name": "flights",
        "domain": "aviation",
        "team": "flight-data",
        "owner": "amelia@a.example",
        "version": "1.0.0",
        "source_systems": ["dispatch"],
        **values,
    }
    return DataProduct.model_validate(given)


def problems_of(product: DataProduct, mesh: Mesh | None) -> list[str]:
    return [str(problem) for problem in check_product(product, lambda _: Location("alchemesh.yaml"), mesh)]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The queries that the database receives meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_declared_objects_are_recorded(registry: Registry, environment: str, tmp_path: Path) -> None:
    (tmp_path / "domains").mkdir()
    (tmp_path / "domains" / "aviation.yaml").write_text(AVIATION)
    (tmp_path / "users.yml").write_text(USERS)
    wanted = load_mesh_repo(tmp_path).mesh(environment)

    apply_mesh(registry, environment, wanted)

    assert recorded_mesh(registry, environment) == wanted
    assert registry.get(DomainRecord, environment, "aviation") == DomainRecord(
        environment=environment,
        address="aviation",
        type="source_aligned",
        owner="amelia@a.example",
        description="What happens on the airports.",
    )
    assert registry.get(TeamRecord, environment, "aviation/flight-data") == team(
        environment, "aviation/flight-data", "data_product_team", "amelia@a.example", "bessie@a.example"
    )
    found = registry.get(UserRecord, environment, "bessie@a.example")
    assert found is not None
    assert found.personas == ("data_product_consumer", "platform_owner")


def test_order_of_members_and_personas_is_no_difference(registry: Registry, environment: str, tmp_path: Path) -> None:
    (tmp_path / "aviation.yaml").write_text(AVIATION)
    (tmp_path / "users.yaml").write_text(USERS)
    apply_mesh(registry, environment, load_mesh_repo(tmp_path).mesh(environment))
    (tmp_path / "aviation.yaml").write_text(
        AVIATION.replace("[bessie@a.example, amelia@a.example]", "[amelia@a.example, bessie@a.example]")
    )
    (tmp_path / "users.yaml").write_text(
        USERS.replace("[platform_owner, data_product_consumer]", "[data_product_consumer, platform_owner]")
    )

    assert not preview_mesh(registry, environment, load_mesh_repo(tmp_path).mesh(environment))


def test_difference_names_fields(registry: Registry, environment: str) -> None:
    apply_mesh(registry, environment, airport_mesh(environment))
    changed = airport_mesh(
        environment,
        domain(environment, "aviation", "source_aligned", "bessie@a.example"),
        team(environment, "operations/desk", "platform_team", "amelia@a.example"),
        without=("aviation/dispatch",),
    )

    diff = apply_mesh(registry, environment, changed)

    assert [(change.change, change.record.address) for change in diff.changes] == [
        ("updated", "aviation"),
        ("updated", "operations/desk"),
        ("removed", "aviation/dispatch"),
    ]
    assert [(one.field, one.before, one.after) for change in diff.updated for one in change.fields] == [
        ("owner", "amelia@a.example", "bessie@a.example"),
        ("team_kind", "data_product_team", "platform_team"),
        ("members", ["bessie@a.example"], ["amelia@a.example"]),
    ]
    history = registry.history(environment, limit=3)
    assert {(line.change, line.kind, line.address) for line in history} == {
        ("updated", "domain", "aviation"),
        ("updated", "team", "operations/desk"),
        ("removed", "source_system", "aviation/dispatch"),
    }


def test_each_environment_has_its_own_mesh(registry: Registry, environment: str) -> None:
    apply_mesh(registry, environment, airport_mesh(environment))

    assert recorded_mesh(registry, f"{environment}-other") == Mesh()
    assert apply_mesh(registry, f"{environment}-other", Mesh()).changes == ()
    assert recorded_mesh(registry, environment) == airport_mesh(environment)


def test_team_with_the_address_of_a_product_has_no_part_in_its_history(registry: Registry, environment: str) -> None:
    registry.write([product(environment, "aviation/flights"), *airport(environment)])
    registry.put(team(environment, "aviation/flights"))
    registry.remove(TeamRecord, environment, "aviation/flights")

    assert [line.kind for line in registry.history(environment, product="aviation/flights")] == ["product"]


def test_folder_that_declares_nothing_is_no_mesh_repo(tmp_path: Path) -> None:
    """Such a folder would otherwise ask to remove every object."""
    (tmp_path / "policy.yaml").write_text("kind: Policy\n")

    with pytest.raises(NoMeshRepo, match="no file there declares a domain or users"):
        load_mesh_repo(tmp_path)


def test_unreadable_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound, match="gone:1:1  cannot be read: No such file or directory"):
        load_mesh_repo(tmp_path / "gone")


def test_policies_of_a_mesh_repo_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "naming.yaml").write_text(NAMING)
    (tmp_path / "users.yaml").write_text(USERS)
    (tmp_path / "aviation.yaml").write_text(AVIATION)

    repo = load_mesh_repo(tmp_path)

    assert [policy.name for policy in repo.policies] == ["naming"]
    recorded = repo.mesh("local").policies["naming"]
    assert (recorded.owner, recorded.effect) == ("rules", "devalue")
    assert recorded.document["require"] == "product.name.startsWith('ac-')"
    assert "cases" not in recorded.document
    assert Policy.model_validate(recorded.document).points == 20


def test_product_reads_four_records_however_large_the_mesh(registry: Registry, environment: str) -> None:
    def reading() -> tuple[int, Mesh | None]:
        with statements() as asked:
            mesh = mesh_around(registry, environment, manifest())
        return len([statement for statement in asked if statement.startswith("SELECT")]), mesh

    apply_mesh(registry, environment, airport_mesh(environment))
    small, around = reading()
    more = [
        record
        for number in range(50)
        for record in (
            domain(environment, f"d{number}"),
            team(environment, f"d{number}/flight-data"),
            team(environment, f"aviation/t{number}"),
            system(environment, f"aviation/s{number}"),
            user(environment, f"u{number}@a.example"),
        )
    ]
    apply_mesh(registry, environment, airport_mesh(environment, *more))
    large, still = reading()

    assert small == large == 4
    assert still == around
    assert around is not None
    assert [record.address for record in around.records()] == [
        "aviation",
        "aviation/flight-data",
        "aviation/dispatch",
        "amelia@a.example",
    ]
    assert problems_of(manifest(), around) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "aviatoin"},
        {"domain": "operations", "team": "desk"},
        {"team": "flight-date"},
        {"team": "desk"},
        {"team": "crew"},
        {"owner": "ameliah@a.example"},
        {"owner": "cy@a.example"},
        {"source_systems": ["dispach", "dispatch", "crm", "nowhere"]},
        {"team": "desk", "owner": "cy@a.example", "source_systems": ["crm"]},
    ],
)
def test_part_of_the_mesh_gives_the_same_problems_as_the_whole(
    registry: Registry, environment: str, wrong: dict[str, object]
) -> None:
    mesh = airport_mesh(
        environment,
        domain(environment, "sales"),
        system(environment, "sales/crm"),
        team(environment, "aviation/crew", "governance_group"),
        user(environment, "cy@a.example", "platform_owner"),
    )
    apply_mesh(registry, environment, mesh)

    said = problems_of(manifest(**wrong), mesh_around(registry, environment, manifest(**wrong)))

    assert said == problems_of(manifest(**wrong), mesh)
    assert said


def test_without_a_mesh_a_product_is_not_checked_against_it(registry: Registry, environment: str) -> None:
    registry.write([product(environment, "aviation/flights"), user(environment, "cy@a.example")])

    assert mesh_around(registry, environment, manifest()) is None
    assert problems_of(manifest(), None) == []
    assert problems_of(manifest(), Mesh.of([user(environment, "cy@a.example")])) == []
