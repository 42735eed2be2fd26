"""Components of other packages than the platform's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.sdk.fault import is_own, package_of

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan


def has_strangers(plan: Plan) -> bool:
    """Whether a plan uses components of other packages. The platform's own components are tested with it."""
    return bool(strangers(plan))


def strangers(plan: Plan) -> list[str]:
    """The names of the other packages whose components a plan uses."""
    return list(dict.fromkeys(package_of(planned.spec) for planned in plan.components() if not is_own(planned.spec)))
