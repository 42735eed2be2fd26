"""The access of a product to the output ports that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.requests.states import OPEN, is_due
from alchemesh_platform.registry.records import AccessRequestRecord, RequestState

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

_BEST_FIRST: Sequence[RequestState] = ("granted", "approved", "requested")


def counting_requesters(product: str, team: str) -> tuple[Requester, ...]:
    """The requesters whose access a product may use: itself, its team and its domain.

    Args:
        product: ``domain/product``.
        team: Name of the product's team.
    """
    domain = product.partition("/")[0]
    return (
        Requester("data_product", product),
        Requester("technical_team", f"{domain}/{team}"),
        Requester("data_domain", domain),
    )


def request_for(
    registry: Registry, environment: str, port: str, requesters: Sequence[Requester], now: datetime
) -> AccessRequestRecord | None:
    """The request that decides whether the requesters may read a port: the most advanced open request that has not
    expired; otherwise the most recently changed one. None if they never requested access."""
    addresses = [requester.address for requester in requesters]
    found = registry.all(AccessRequestRecord, environment, where={"port": port, "requester": addresses})
    requests = [request for request in found if Requester.of(request) in requesters]
    open_ = [request for request in requests if request.state in OPEN and not is_due(request, now)]
    if open_:
        return min(open_, key=lambda request: _BEST_FIRST.index(request.state))
    return max(requests, key=lambda request: request.steps[-1].at, default=None)
