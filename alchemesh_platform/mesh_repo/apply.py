"""Makes the recorded mesh the wanted one: all of it, or nothing."""

from __future__ import annotations

from alchemesh_platform.failure import Failure
from alchemesh_platform.mesh_repo.difference import MeshDiff, plan_changes
from alchemesh_platform.mesh_repo.mesh import Mesh, recorded_mesh
from alchemesh_platform.mesh_repo.references import StillReferenced, references
from alchemesh_platform.registry.store import Key, Registry


class MeshChanged(Failure):
    """Raised when somebody else changed the mesh after the difference was shown."""

    def __init__(self) -> None:
        super().__init__(
            "nothing was changed: somebody else changed the mesh after this difference was worked out",
            hint="run the command again to see the difference as it is now",
        )


def preview_mesh(registry: Registry, environment: str, wanted: Mesh) -> MeshDiff:
    """What :func:`apply_mesh` would change.

    Raises:
        StillReferenced: when it would refuse to.
    """
    diff = plan_changes(wanted, recorded_mesh(registry, environment))
    refuse_referenced(registry, environment, diff)
    return diff


def apply_mesh(registry: Registry, environment: str, wanted: Mesh, *, expected: MeshDiff | None = None) -> MeshDiff:
    """Make the recorded mesh of an environment the wanted one, in one transaction.

    Of several at once each sees what the one before it has left, so that at the end the mesh is as the last one wants
    it, and never a mixture.

    Args:
        wanted: The mesh, with records of that environment.
        expected: The difference that somebody has agreed to. Without it, whatever it takes is done.

    Returns:
        What was changed; nothing when the mesh is as wanted already.

    Raises:
        MeshChanged: when something else than the expected would be changed.
        StillReferenced: when something would go that a product refers to.
    """
    with registry.transaction(f"mesh {environment}") as standing:
        diff = plan_changes(wanted, recorded_mesh(standing, environment))
        if diff and expected is not None and diff != expected:
            raise MeshChanged
        refuse_referenced(standing, environment, diff)
        if diff:
            standing.write(
                [change.after for change in diff.changes if change.after is not None],
                [Key(type(record), record.environment, record.address) for record in diff.removed],
            )
    return diff


def refuse_referenced(registry: Registry, environment: str, diff: MeshDiff) -> None:
    """Refuse a difference that takes away what a product refers to.

    Raises:
        StillReferenced: with every reference.
    """
    found = references(registry, environment, diff)
    if found:
        raise StillReferenced(found)
