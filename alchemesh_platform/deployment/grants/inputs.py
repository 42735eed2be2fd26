"""Deploy the grants for a product's inputs: public ports, ports of its domain and approved requests.

Some ports require an identity that the product's own deployment creates. Their grants are deployed after the product.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from alchemesh_platform.access.approval.auto import auto_approval
from alchemesh_platform.access.requests.acts import AlreadyAsked, Requests
from alchemesh_platform.access.requests.states import describe_state, next_step
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, joined, remedy
from alchemesh_platform.deployment.grants.apply import apply_grants
from alchemesh_platform.deployment.grants.input_access import InputAccess, consumer_of, input_access, purpose_of

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


class GrantNotDeployed(Failure):
    """Raised when an approved grant could not be deployed; the approval remains."""


def grant_inputs(
    registry: Registry,
    platform: Platform,
    plan: Plan,
    inputs: Collection[InputAccess],
    actor: Identity,
    *,
    deploy: Callable[[Plan], object],
    report: Callable[[str], None],
    cancel: threading.Event | None = None,
) -> None:
    """Request access where a rule approves automatically, then deploy the approved grants of the products read.

    Args:
        registry: The registry of the environment.
        platform: The environment.
        plan: The plan of the reading product.
        inputs: The product's access to the ports of other products.
        actor: The identity that deploys the product.
        deploy: Declares a plan, inside the engine's run.
        report: Receives a line for each step.
        cancel: Set it to stop cleanly.

    Raises:
        GrantNotDeployed: when a grant could not be deployed.
    """
    requests = Requests(registry, plan.environment, actor, auto_approval(registry, plan.environment, report))
    for each in inputs:
        if each.status == "at_once":
            try:
                asked = requests.ask(each.port.origin, consumer_of(plan), purpose_of(each.port, plan), deploying=True)
            except AlreadyAsked:  # another process has requested access in the meantime
                continue
            if asked.state != "approved":
                raise GrantNotDeployed(
                    f"{describe_state(asked)}: the rule that would have approved it has changed", hint=next_step(asked)
                )
            report(f"requested access to {asked.port}: {asked.address} is {asked.state} ({asked.steps[-1].reason})")
    waiting = [each.port.origin for each in inputs if each.status in ("at_once", "approved")]
    for product in sorted({origin.rpartition("/")[0] for origin in waiting}):
        outcome = apply_grants(registry, platform, product, deploy=deploy, report=report, actor=actor, cancel=cancel)
        if outcome is not None and not outcome.succeeded:
            why = f": {outcome.problems[0].message}" if outcome.problems else ""
            raise GrantNotDeployed(
                f"{product} could not grant {plan.product.address} access{why}",
                hint=remedy("the approval remains; {} shows the reason", command("access", "apply", product)),
            )


def grant_inputs_afterwards(
    registry: Registry,
    platform: Platform,
    plan: Plan,
    actor: Identity,
    *,
    deploy: Callable[[Plan], object],
    report: Callable[[str], None],
    cancel: threading.Event | None = None,
) -> None:
    """After a product's deployment, deploy the approved grants that waited for its identity.

    The product remains deployed. A grant that fails is reported and remains approved. :func:`grant_inputs` describes
    the arguments.
    """
    inputs = [each for each in input_access(registry, plan, registry.now()) if each.status == "approved"]
    try:
        grant_inputs(registry, platform, plan, inputs, actor, deploy=deploy, report=report, cancel=cancel)
    except Failure as failure:
        report(joined("; ", filter(None, (f"note: {failure.message}", failure.hint))))
