"""The people that are notified of an incident: those of the product, and those of consumers with a grant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.requests.states import is_due
from alchemesh_platform.access.rights import people_of, people_of_request
from alchemesh_platform.registry.records import AccessRequestRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class Receivers:
    """The people that are notified of the incidents of one product.

    Args:
        own: The product's owner and the members of its team.
        by_port: Port: the people of its consumers.
        consumers: Port: the consumers, ``data_product:domain/name`` and so on.
    """

    own: frozenset[str] = frozenset()
    by_port: dict[str, frozenset[str]] = field(default_factory=dict)
    consumers: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def people(self) -> list[str]:
        """Everybody, sorted."""
        return sorted(self.own.union(*self.by_port.values()))


def receivers_of(registry: Registry, environment: str, product: str, ports: Iterable[str], now: datetime) -> Receivers:
    """The people that are notified of incidents of some ports of a product."""
    wanted = frozenset(ports)
    people: dict[str, frozenset[str]] = {}
    names: dict[str, tuple[str, ...]] = {}
    for request in registry.all(AccessRequestRecord, environment, product, where={"state": "granted"}):
        if request.port not in wanted or is_due(request, now):
            continue
        people[request.port] = people.get(request.port, frozenset()) | people_of_request(registry, request)
        named = f"{request.requester_kind}:{request.requester}"
        names[request.port] = tuple(sorted({*names.get(request.port, ()), named}))
    own = people_of(registry, environment, Requester("data_product", product))
    return Receivers(own, people, names)
