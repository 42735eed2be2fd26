"""Unlock a stack that a killed run left locked."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform


def unlock(platform: Platform, target: Target, actor: Identity, *, take_over: str | None = None) -> list[str]:
    """Remove the locks of a product's stack. The audit records it, if the environment has a registry.

    Args:
        platform: The environment.
        target: The product, with the team and the owner that its manifest declares.
        actor: The identity that acts.
        take_over: The reason to unlock a product of another team of the domain. The audit records it.

    Returns:
        A sentence for each removed lock.

    Raises:
        NotAllowed: when the actor may not operate the product.
        StackLocked: when a run on this machine still holds the lock.
    """
    from alchemesh_platform.app.rights import check_right, record_take_over
    from alchemesh_platform.base.names import project_name
    from alchemesh_platform.deployment.operator import stack_of
    from alchemesh_platform.engine.state.checkout import unlocked
    from alchemesh_platform.registry.audit import Act, record_act
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    right = check_right(platform, actor, "unlock", target, take_over=take_over)
    removed = unlocked(stack_of(project_name(*target.address.split("/")), platform))
    if not removed:
        return removed
    with suppress(RegistryMissing), Registry.open(platform.registry, create=False) as registry:
        record_take_over(registry, platform.environment, actor, right, target, take_over)
        record_act(
            registry,
            Act(
                environment=platform.environment,
                product=target.address,
                operation="unlock",
                address=target.address,
                actor=actor.subject,
                issuer=actor.issuer,
                detail={"removed": removed},
            ),
        )
    return removed
