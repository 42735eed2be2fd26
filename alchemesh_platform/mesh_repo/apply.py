"""Apply a declared mesh to the registry: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from alchemesh_platform.access.requests.states import OPEN, advance
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.mesh_repo.difference import MeshDiff, plan_changes
from alchemesh_platform.mesh_repo.mesh import Mesh, recorded_mesh
from alchemesh_platform.mesh_repo.references import StillReferenced, references
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.records import AccessRequestRecord, UserRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.writes import Key

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity

LEFT_MESH = "the user left the mesh"
NAMED_MAX = 20  # records that an act names for each kind of change: a first `mesh apply` creates thousands


class MeshChanged(Failure):
    """Raised when another user changed the mesh after the difference was shown."""

    def __init__(self) -> None:
        super().__init__(
            "nothing was changed: another user changed the mesh after this difference was computed",
            hint="run the command again to see the current difference",
        )


def preview_mesh(registry: Registry, environment: str, wanted: Mesh) -> MeshDiff:
    """The changes that :func:`apply_mesh` would make.

    Raises:
        StillReferenced: when :func:`apply_mesh` would raise it.
    """
    diff = plan_changes(wanted, recorded_mesh(registry, environment))
    refuse_referenced(registry, environment, diff)
    return diff


def apply_mesh(
    registry: Registry,
    environment: str,
    wanted: Mesh,
    *,
    expected: MeshDiff | None = None,
    identity: Identity | None = None,
) -> MeshDiff:
    """Record the declared mesh of an environment, in one transaction.

    Concurrent calls run one after the other, and each sees the result of the previous one. The recorded mesh at the end
    is the one that the last call declared, never a mixture.

    Args:
        wanted: The declared mesh, with records of that environment.
        expected: The difference that the user confirmed. Without it, every change is applied.
        identity: The acting user; recorded in an act with the change. Without one, no act is recorded.

    Returns:
        The changes; empty if the recorded mesh equals the declared one.

    Raises:
        MeshChanged: when the difference is not the expected one.
        StillReferenced: when a product refers to something that the change would delete.
    """
    with registry.transaction(f"mesh {environment}") as current:
        diff = plan_changes(wanted, recorded_mesh(current, environment))
        if diff and expected is not None and diff != expected:
            raise MeshChanged
        refuse_referenced(current, environment, diff)
        if diff:
            current.write(
                [change.after for change in diff.changes if change.after is not None],
                [Key(type(record), record.environment, record.address) for record in diff.removed],
            )
            if identity is not None:
                record_act(current, _act(environment, diff, identity))
            revoke_requests(current, environment, diff, identity)
    return diff


def revoke_requests(registry: Registry, environment: str, diff: MeshDiff, identity: Identity | None) -> None:
    """Revoke the open requests that removed users made for themselves: their access ends with them."""
    gone = sorted(record.address for record in diff.removed if isinstance(record, UserRecord))
    if not gone:
        return
    where: dict[str, Collection[str]] = {"requester_kind": ["user"], "requester": gone, "state": list[str](OPEN)}
    now = registry.now()
    for request in registry.all(AccessRequestRecord, environment, where=where):
        actor = identity.subject if identity is not None else "mesh apply"
        registry.put(advance(request, "revoked", at=now, by=actor, reason=LEFT_MESH))
        if identity is None:
            continue
        record_act(
            registry,
            Act(
                environment=environment,
                product=request.product,
                operation="access revoke",
                address=request.address,
                actor=actor,
                issuer=identity.issuer,
                reason=LEFT_MESH,
                detail={"state": "revoked", "port": request.port},
                at=now,
            ),
        )


def _act(environment: str, diff: MeshDiff, identity: Identity) -> Act:
    """The names of the changed records; their history has the details."""
    changed: dict[str, list[str]] = {"created": [], "updated": [], "removed": []}
    for change in diff.changes:
        changed[change.change].append(f"{change.record.kind} {change.record.address}")
    detail: dict[str, object] = {
        what: {"count": len(names), "first": names[:NAMED_MAX]} for what, names in changed.items() if names
    }
    return Act(
        environment=environment,
        operation="mesh apply",
        address=environment,
        actor=identity.subject,
        issuer=identity.issuer,
        detail=detail,
    )


def refuse_referenced(registry: Registry, environment: str, diff: MeshDiff) -> None:
    """Refuse a difference that would delete something that a product refers to.

    Raises:
        StillReferenced: with every reference.
    """
    found = references(registry, environment, diff)
    if found:
        raise StillReferenced(found)
