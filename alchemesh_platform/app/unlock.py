"""Unlock a stack that a killed run left locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


def unlock(platform: Platform, product: str) -> list[str]:
    """Remove the locks of a product's stack.

    Args:
        platform: The environment.
        product: ``domain/product``.

    Returns:
        A sentence for each removed lock.

    Raises:
        StackLocked: when a run on this machine still holds the lock.
    """
    from alchemesh_platform.base.names import project_name
    from alchemesh_platform.deployment.operator import stack_of
    from alchemesh_platform.engine.state.checkout import unlocked

    return unlocked(stack_of(project_name(*product.split("/")), platform))
