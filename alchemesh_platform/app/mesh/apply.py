"""Record a mesh repo: the domains, teams, users, source systems and policies of an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from alchemesh_platform.app.events import Listener, MeshCompared, Noted, ignore
from alchemesh_platform.app.mesh.credentials import end_credentials
from alchemesh_platform.app.rights import check_mesh_right
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from pathlib import Path

    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.mesh_repo.difference import MeshDiff
    from alchemesh_platform.mesh_repo.mesh import Mesh
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry

SHOWN_MAX = 5  # products in a line


def read_mesh(folder: Path, environment: str) -> Mesh:
    """The mesh that a mesh repo declares for an environment.

    Raises:
        ProblemsFound: with every problem of the mesh repo.
    """
    from alchemesh_platform.mesh_repo.load import load_mesh_repo

    return load_mesh_repo(folder).mesh(environment)


def apply(
    platform: Platform,
    wanted: Mesh,
    actor: Identity,
    *,
    confirm: Callable[[MeshDiff], bool] | None = None,
    listen: Listener = ignore,
) -> MeshDiff | None:
    """Record a mesh; the audit records the actor. Then end the credentials of members who left their team or domain.

    Args:
        platform: The environment.
        wanted: The mesh that its repo declares.
        actor: The identity that applies it.
        confirm: Receives the difference and returns whether to record it. Only that difference is recorded. Without
            it, every difference is recorded.
        listen: Receives :class:`MeshCompared` before anything is recorded.

    Returns:
        The recorded difference, empty if there was none; None if ``confirm`` returned False.

    Raises:
        NotAllowed: when the actor lacks the right to apply a mesh.
        MeshChanged: when the recorded mesh changed while ``confirm`` ran.
    """
    from alchemesh_platform.mesh_repo.apply import apply_mesh, preview_mesh
    from alchemesh_platform.mesh_repo.last_seen import remember_mesh
    from alchemesh_platform.registry.store import Registry

    with Registry.open(platform.registry) as registry:
        difference = preview_mesh(registry, platform.environment, wanted)
        listen(MeshCompared(difference))
        if difference:
            check_mesh_right(registry, platform.environment, actor, difference)
            if confirm is not None and not confirm(difference):
                return None
            expected = difference if confirm is not None else None
            difference = apply_mesh(registry, platform.environment, wanted, expected=expected, identity=actor)
        remember_mesh(platform, registry)
        end_credentials(registry, platform.environment, actor, listen=listen)
        if difference:
            _note_grants(registry, platform, listen)
    return difference


def _note_grants(registry: Registry, platform: Platform, listen: Listener) -> None:
    """Name the products whose deployed grants differ from the members of their consumers, and the command for it."""
    from alchemesh_platform.access.grants.pending import products_to_apply

    found = products_to_apply(registry, platform.environment, registry.now())
    if found:
        more = f" and {len(found) - SHOWN_MAX:,} more" if len(found) > SHOWN_MAX else ""
        products = f"{', '.join(found[:SHOWN_MAX])}{more}"
        apply_command = command("access", "apply", environment=platform.environment, emulated=platform.emulated)
        listen(Noted(remedy("grants of {} are not deployed as decided: {} deploys them", products, apply_command)))
