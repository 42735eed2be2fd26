"""The access that a destroyed product keeps at other products."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.requests.states import GRANTING_STATES
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.records import AccessRequestRecord, ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


_DESTROYED = ("destroy", "succeeded")  # operation and outcome


def destroyed_products(registry: Registry, environment: str, products: Collection[str]) -> set[str]:
    """The products that were deployed and then destroyed. A product that was never deployed is not among them.

    The number of look-ups does not depend on the number of products.
    """
    if not products:
        return set()
    deployed = {record.address for record in registry.all(ProductRecord, environment, where={"address": set(products)})}
    gone = set(products) - deployed
    last = registry.last_deployments(environment, ("up", "destroy")) if gone else {}
    return {each for each in gone if each in last and (last[each].operation, last[each].outcome) == _DESTROYED}


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
