"""Releasing a stack that a killed run left locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


def unlock(platform: Platform, product: str) -> list[str]:
    """Release the stack of a product.

    Args:
        platform: The environment.
        product: ``domain/product``.

    Returns:
        Sentences about the locks that were found and removed.

    Raises:
        StackLocked: when a run on this machine still holds it.
    """
    from alchemesh_platform.base.names import project_name
    from alchemesh_platform.deployment.operator import stack_of
    from alchemesh_platform.engine.state.checkout import unlocked

    return unlocked(stack_of(project_name(*product.split("/")), platform))
