"""Products whose deployed grants differ from the decisions, by their records only."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.requests.expiry import expire_due
from alchemesh_platform.registry.records import AccessRequestRecord, Deployment, GrantRecord, ManifestRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.consumer import Consumer

CHANGING: tuple[Literal["up"], Literal["destroy"]] = ("up", "destroy")  # operations that create and delete grants


def products_to_apply(registry: Registry, environment: str, now: datetime) -> list[str]:
    """Addresses of the products whose grants may differ from the decisions and whose manifest is recorded.

    This reads only the registry and no state. After a failed run, a consumer whose access has ended may still have
    access although no record says so.
    """
    expire_due(registry, environment, None, now)
    deployed = {grant.address: grant for grant in registry.all(GrantRecord, environment)}
    granting = registry.all(AccessRequestRecord, environment, where={"state": ["approved", "granted"]})
    valid = {request.address for request in granting}
    found = {request.product for request in granting if _differs(registry, request, deployed.get(request.address))}
    found |= {grant.product for grant in deployed.values() if grant.address not in valid}
    broken = {product for product, last in registry.last_deployments(environment, CHANGING).items() if is_broken(last)}
    if broken:
        over = registry.all(AccessRequestRecord, environment, where={"state": ["revoked", "expired"]})
        found |= {request.product for request in over} & broken
    recorded = {record.address for record in registry.all(ManifestRecord, environment)}
    return sorted(found & recorded)


def is_broken(last: Deployment) -> bool:
    """Whether the last run ended before it finished: it failed, was stopped, or was killed."""
    return last.outcome != "succeeded"


def is_stale(consumer: Consumer, record: GrantRecord) -> bool:
    """Whether the end date or the people behind the requester have changed since the grant was deployed."""
    return record.ends_at != consumer.ends_at or record.behind != consumer.behind


def _differs(registry: Registry, request: AccessRequestRecord, grant: GrantRecord | None) -> bool:
    if grant is None:
        return True
    requester = Requester.of(request)
    return is_stale(resolve(registry, request.environment, requester, ends_at=request.ends_at), grant)
