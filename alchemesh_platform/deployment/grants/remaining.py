"""The access that a destroyed product keeps at other products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.requests.states import GRANTING_STATES
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.records import AccessRequestRecord, ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def is_destroyed(registry: Registry, environment: str, product: str) -> bool:
    """Whether a product was deployed and then destroyed. A product that was never deployed is not."""
    if registry.get(ProductRecord, environment, product) is not None:
        return False
    last = registry.deployments(product, environment, operations=("up", "destroy"), limit=1)
    return bool(last) and (last[0].operation, last[0].outcome) == ("destroy", "succeeded")


def access_notes(registry: Registry, environment: str, product: str) -> tuple[str, ...]:
    """Notes on the access that a product keeps, each with the command that revokes it."""
    requests = registry.all(AccessRequestRecord, environment, where={"requester": product})
    return tuple(
        remedy(
            "{} keeps its access to {} for its next deployment, and no longer delays changes there; {} revokes it",
            product,
            request.port,
            command("access", "revoke", request.address),
        )
        for request in requests
        if Requester.of(request) == Requester("data_product", product) and request.state in GRANTING_STATES
    )
