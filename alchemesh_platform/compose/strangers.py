"""Components of other packages than the platform's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.sdk.fault import module_of

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan

_OWN = "alchemesh_components"


def has_strangers(plan: Plan) -> bool:
    """Whether a plan uses components of other packages. The platform's own components are tested with it."""
    return any(module_of(planned.spec) != _OWN for planned in plan.components())
