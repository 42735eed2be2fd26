"""The example mesh repo declares the mesh of the example products."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.mesh_repo.load import load_mesh_repo
from alchemesh_platform.mesh_repo.mesh import PRODUCT_TEAM
from alchemesh_platform.mesh_repo.product_check import check_product
from alchemesh_platform.policies.cases import run_cases
from alchemesh_platform.policies.load import load_policies, shipped_policies

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["flights", "punctuality"])
def test_example_products_fit_the_example_mesh(name: str) -> None:
    mesh = load_mesh_repo(EXAMPLES / "mesh").mesh("local")
    loaded = load_manifest(EXAMPLES / name / "alchemesh.yaml")

    assert loaded.product.domain in mesh.domains
    assert check_product(loaded.product, loaded.locate, mesh) == []


def test_example_mesh_declares_only_used_objects() -> None:
    mesh = load_mesh_repo(EXAMPLES / "mesh").mesh("local")
    products = [load_manifest(EXAMPLES / name / "alchemesh.yaml").product for name in ("flights", "punctuality")]

    teams = {team.address for team in mesh.teams.values() if team.team_kind == PRODUCT_TEAM}
    assert teams == {f"{product.domain}/{product.team}" for product in products}
    assert set(mesh.source_systems) == {
        f"{product.domain}/{name}" for product in products for name in product.source_systems
    }
    assert set(mesh.users) == {member for team in mesh.teams.values() for member in team.members}


def test_owner_of_the_shipped_policies_is_a_governance_group_of_the_example_mesh() -> None:
    groups = {
        team.name
        for team in load_mesh_repo(EXAMPLES / "mesh").mesh("local").teams.values()
        if team.team_kind == "governance_group"
    }

    assert {policy.owner for policy in shipped_policies()} <= groups


def test_policies_of_the_example_mesh_keep_their_cases() -> None:
    loaded = load_policies([EXAMPLES / "mesh" / "policies"])
    assert [policy.policy.name for policy in loaded] == sorted(load_mesh_repo(EXAMPLES / "mesh").mesh("local").policies)
    assert [case for policy in loaded for case in run_cases(policy) if not case.as_expected] == []


def test_products_next_to_a_mesh_repo_are_ignored() -> None:
    assert load_mesh_repo(EXAMPLES) == load_mesh_repo(EXAMPLES / "mesh")
