"""Which rules of the mesh approve requests in an owner's place: the one place that every command asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.access.rules import AutoApproval
    from alchemesh_platform.registry.store import Registry


def auto_approval(registry: Registry, environment: str) -> AutoApproval | None:
    """The rules of an environment that approve requests at once, beside what contracts say; None where there are none.

    No policy of the mesh can do that yet.
    """
    return None
