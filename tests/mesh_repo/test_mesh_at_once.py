"""Several users apply or deploy at once: the mesh always matches one of them, and no change is lost unseen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from alchemesh_platform.mesh_repo.apply import MeshChanged, apply_mesh, preview_mesh
from alchemesh_platform.mesh_repo.difference import MeshDiff
from alchemesh_platform.mesh_repo.mesh import Mesh, recorded_mesh
from alchemesh_platform.mesh_repo.references import StillReferenced
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.unavailable import RegistryLocked
from tests.mesh_repo.meshes import airport_mesh, domain, product, system, team, user

WAIT_SECONDS = 180


@pytest.fixture(scope="module")
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url) as opened:
        yield opened


def version(environment: str, number: int) -> Mesh:
    """A mesh with a version: objects of this version only, and common objects with its number."""
    owner = f"u{number}@a.example"
    return Mesh.of(
        [
            domain(environment, "common", "source_aligned", owner),
            domain(environment, f"own-{number}", "aggregated", owner),
            team(environment, "common/team", "data_product_team", owner),
            team(environment, f"common/team-{number}", "data_product_team", owner),
            system(environment, "common/system", f"version {number}"),
            user(environment, owner, "data_product_owner"),
        ]
    )


def test_two_meshes_applied_at_once_are_never_mixed(registry_url: str, environment: str) -> None:
    """Each user has a separate registry connection, as two processes have: no user changes what the other reads."""
    rounds, appliers = 8, 3
    barrier = threading.Barrier(appliers, timeout=WAIT_SECONDS)

    def act(number: int) -> list[MeshDiff]:
        done = []
        with Registry.open(registry_url) as own:
            for _ in range(rounds):
                barrier.wait()
                done.append(apply_mesh(own, environment, version(environment, number)))
                barrier.wait()
                if number == 0:
                    standing = recorded_mesh(own, environment)
                    assert standing in [version(environment, each) for each in range(appliers)]
                barrier.wait()
        return done

    with ThreadPoolExecutor(appliers) as pool:
        done = [diff for diffs in pool.map(act, range(appliers)) for diff in diffs]

    with Registry.open(registry_url) as after:
        history = after.history(environment)
    # The changes that each user sees equal those of the history: none twice, none lost.
    assert len(history) == sum(len(diff.changes) for diff in done)


def test_same_mesh_applied_at_once_is_applied_once(registry_url: str, environment: str) -> None:
    barrier = threading.Barrier(3, timeout=WAIT_SECONDS)

    def act(_: int) -> MeshDiff:
        with Registry.open(registry_url) as own:
            agreed = preview_mesh(own, environment, airport_mesh(environment))
            barrier.wait()
            return apply_mesh(own, environment, airport_mesh(environment), expected=agreed)

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(act, range(3)))

    assert sorted(len(diff.changes) for diff in done) == [0, 0, 7]


def test_difference_without_approval_is_not_applied(registry: Registry, environment: str) -> None:
    agreed = preview_mesh(registry, environment, airport_mesh(environment))
    other = airport_mesh(environment, user(environment, "cy@a.example", "platform_owner"))
    apply_mesh(registry, environment, other)

    with pytest.raises(MeshChanged, match="another user changed the mesh") as refused:
        apply_mesh(registry, environment, airport_mesh(environment), expected=agreed)

    assert refused.value.hint == "run the command again to see the current difference"
    assert recorded_mesh(registry, environment) == other


def test_product_deployed_between_question_and_answer_keeps_its_team(registry: Registry, environment: str) -> None:
    apply_mesh(registry, environment, airport_mesh(environment))
    wanted = airport_mesh(environment, without=("aviation/flight-data",))
    agreed = preview_mesh(registry, environment, wanted)
    registry.put(product(environment, "aviation/flights"))

    with pytest.raises(StillReferenced, match="team aviation/flight-data: aviation/flights"):
        apply_mesh(registry, environment, wanted, expected=agreed)

    assert recorded_mesh(registry, environment) == airport_mesh(environment)


def test_apply_waits_for_another_and_reports_a_held_lock(registry_url: str, environment: str) -> None:
    with (
        Registry.open(registry_url) as first,
        Registry.open(registry_url, patience=timedelta(seconds=0.3)) as second,
        first.transaction(f"mesh {environment}") as standing,
    ):
        standing.put(domain(environment, "aviation"))
        with pytest.raises(RegistryLocked, match="another process holds the lock of the registry"):
            apply_mesh(second, environment, airport_mesh(environment))

    with Registry.open(registry_url) as registry:
        assert list(recorded_mesh(registry, environment).domains) == ["aviation"]
        apply_mesh(registry, environment, airport_mesh(environment))


def test_readers_do_not_wait_for_an_apply(registry_url: str, environment: str) -> None:
    with Registry.open(registry_url) as first, Registry.open(registry_url, patience=timedelta(seconds=5)) as second:
        apply_mesh(first, environment, airport_mesh(environment))
        with first.transaction(f"mesh {environment}") as standing:
            standing.put(domain(environment, "sales"))
            assert "sales" in recorded_mesh(standing, environment).domains
            assert recorded_mesh(second, environment) == airport_mesh(environment)
        assert "sales" in recorded_mesh(second, environment).domains
