"""The Pulumi programs of the use cases. Only this module of the platform imports the stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alchemesh_platform.compose.foundation import Foundation
    from alchemesh_platform.compose.plan import Kept, Plan


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
    from alchemesh_platform.compose.strangers import has_strangers

    if has_strangers(plan):
        from alchemesh_stacks.trial import try_program as trial

        trial(plan)


def deploy_foundation(foundation: Foundation, kept: Sequence[Kept], *, recorded: bool) -> object:
    """Declare the resources of a foundation. Call this inside a run of the engine.

    Args:
        kept: Resources to import instead of creating them.
        recorded: Whether the registry records the outputs.
    """
    from alchemesh_stacks.foundation import deploy_foundation as deploy

    return deploy(foundation, kept, recorded=recorded)
