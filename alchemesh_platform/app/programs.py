"""The Pulumi programs of the use cases. Only this module of the platform imports the stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alchemesh_platform.compose.foundation import Foundation
    from alchemesh_platform.compose.plan import Kept, Plan
    from alchemesh_platform.engine.run.events import ResourcePre

T = TypeVar("T")


def deploy_product(plan: Plan) -> object:
    """Declare the resources of a data product. Call this inside a run of the engine."""
    from alchemesh_stacks.data_product import deploy

    return deploy(plan)


def try_program(plan: Plan) -> None:
    """Run the program of a product without the engine, if it has components of other packages, and check it.

    Raises:
        ComponentFault: when a component's code fails, declares other resources in each run, or needs a provider that
            a run does not have.
    """
    from alchemesh_platform.compose.checks.strangers import has_strangers

    if has_strangers(plan):
        from alchemesh_stacks.trial import try_program as trial

        _in_time(plan, lambda: trial(plan))


def declare_product(plan: Plan) -> list[ResourcePre]:
    """The resources that a product's program declares, without the engine. Call this in one thread at a time.

    Call :func:`try_program` first, which shows the output of components of other packages.

    Raises:
        ComponentFault: when a component's code fails or does not end.
    """
    from alchemesh_platform.base.packages.conduct import muted
    from alchemesh_platform.compose.checks.strangers import has_strangers
    from alchemesh_stacks.declared import registered

    if not has_strangers(plan):
        return registered(plan)
    with muted():
        return _in_time(plan, lambda: registered(plan))


def _in_time(plan: Plan, run: Callable[[], T]) -> T:
    """Run a program with code of other packages, and give it up if one of its steps does not end."""
    from alchemesh_platform.base.packages.conduct import in_time
    from alchemesh_platform.compose.checks.strangers import strangers
    from alchemesh_platform.sdk.fault import ComponentFault

    packages = " and ".join(strangers(plan))

    def blame(sentence: str) -> ComponentFault:
        return ComponentFault(f"{sentence}; it has code of {packages}", hint=f"report it to the author of {packages}")

    return in_time(run, f"the program of {plan.product.address}", blame)


def deploy_foundation(foundation: Foundation, kept: Sequence[Kept], *, recorded: bool) -> object:
    """Declare the resources of a foundation. Call this inside a run of the engine.

    Args:
        kept: Resources to import instead of creating them.
        recorded: Whether the registry records the outputs.
    """
    from alchemesh_stacks.foundation import deploy_foundation as deploy

    return deploy(foundation, kept, recorded=recorded)


def try_foundation(foundation: Foundation) -> None:
    """Run the program of a foundation without the engine, if its component is one of another package.

    Raises:
        ComponentFault: when the component's code fails, or does not end.
    """
    from alchemesh_platform.sdk.fault import call, is_own
    from alchemesh_stacks.declared import registered_foundation

    if not is_own(foundation.spec):
        call(foundation.spec, foundation.title, "its program", lambda: registered_foundation(foundation))
