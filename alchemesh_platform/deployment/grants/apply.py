"""Update the deployed grants of a product to match the decisions, without its repo and without other changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Set
from typing import TYPE_CHECKING

from alchemesh_platform.access.grants.desired_grants import waits_for, with_grants
from alchemesh_platform.access.grants.pending import CHANGING, is_broken, is_stale
from alchemesh_platform.access.requests.expiry import expire_due
from alchemesh_platform.deployment.foundation_outputs import with_foundations
from alchemesh_platform.deployment.grants.resources import deployed_grants, known_requests, target_globs
from alchemesh_platform.deployment.operator import operating
from alchemesh_platform.deployment.recomposed import recomposed
from alchemesh_platform.deployment.report.progress import Progress
from alchemesh_platform.registry.records import GrantRecord

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan, PlannedGrant
    from alchemesh_platform.deployment.operator import Operator
    from alchemesh_platform.deployment.report.outcome import Outcome
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


def apply_grants(
    registry: Registry,
    platform: Platform,
    product: str,
    *,
    deploy: Callable[[Plan], object],
    report: Callable[[str], None],
    actor: Identity,
    cancel: threading.Event | None = None,
) -> Outcome | None:
    """Deploy the approved grants at a product's ports, and remove revoked and expired ones.

    This locks the product's stack only if there is something to do.

    Args:
        registry: The registry of the environment.
        platform: The environment.
        product: ``domain/product``.
        deploy: Declares a plan, inside the engine's run.
        report: Receives a line for each slow step, and for each finding and repair.
        actor: The identity that acts.
        cancel: Set it to stop cleanly.

    Returns:
        The outcome; None if every grant is up to date.

    Raises:
        NotRecorded: when the product's manifest is not recorded.
        StackLocked: when another process deploys the product.
    """
    from alchemesh_platform.engine.state.deployed import deployed_state

    now = registry.now()
    expire_due(registry, platform.environment, product, now)
    plan = with_grants(registry, recomposed(registry, platform, product), now)
    if _is_settled(registry, plan):
        for waiting in _waiting(plan):
            report(waits_for(waiting, plan))
        return None
    with operating(plan, platform, report=report, actor=actor) as operator:
        # Check again under the lock: another process may have deployed the product meanwhile.
        plan = with_foundations(registry, recomposed(registry, platform, product))
        plan = with_grants(registry, plan, registry.now())
        for waiting in _waiting(plan):
            report(waits_for(waiting, plan))
        requests = known_requests(registry, platform.environment, product)
        deployed = deployed_grants(deployed_state(operator.engine, operator.stack), requests)
        changed = sorted(set(_changed(operator, plan, deployed.keys())))
        if not changed:
            return None
        return operator.run(
            plan,
            "up",
            deploy,
            Progress(plan, requests=requests),
            on_event=lambda _event: None,
            target_globs=[
                glob for request in changed for glob in target_globs(plan, request, deployed.get(request, ()))
            ],
            cancel=cancel,
        )


def _waiting(plan: Plan) -> Iterator[PlannedGrant]:
    return (granted for port in plan.outputs for granted in port.waiting)


def _is_settled(registry: Registry, plan: Plan) -> bool:
    """Whether the records show that the deployed grants equal the desired ones. The records equal the state if the last
    run succeeded."""
    product = plan.product.address
    last = registry.deployments(product, plan.environment, operations=CHANGING, limit=1)
    if not last or is_broken(last[0]):
        return False
    records = {grant.address: grant for grant in registry.all(GrantRecord, plan.environment, product)}
    wanted = {granted.consumer.request: granted for port in plan.outputs for granted in port.grants}
    return records.keys() == wanted.keys() and not any(
        is_stale(granted.consumer, records[request]) for request, granted in wanted.items()
    )


def _changed(operator: Operator, plan: Plan, deployed: Set[str]) -> Iterator[str]:
    """Requests whose grants must be created, updated or deleted in the locked stack.

    Args:
        deployed: Requests with resources in the stack.
    """
    wanted = {granted.consumer.request: granted for port in plan.outputs for granted in port.grants}
    yield from deployed - wanted.keys()
    for request, granted in wanted.items():
        record = operator.registry.get(GrantRecord, plan.environment, request)
        if request not in deployed or record is None or is_stale(granted.consumer, record):
            yield request
