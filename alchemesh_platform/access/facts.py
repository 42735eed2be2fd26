"""What the rules look at, from the records of port and requester."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast, get_args

from alchemesh_platform.access.requester import Requester, domains_of
from alchemesh_platform.access.rules import WITHOUT_CONTRACT, Access, RequestFacts
from alchemesh_platform.registry.records import AssetRecord, ContractRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def facts_of(
    registry: Registry,
    environment: str,
    port: str,
    requester: Requester,
    purpose: str,
    ends_at: datetime | None = None,
) -> RequestFacts:
    """What the rules look at when a requester asks for a port.

    Args:
        registry: What is recorded.
        environment: Which environment.
        port: Address of the output port.
        requester: Who asks.
        purpose: What the data is wanted for.
        ends_at: When access is to end; None: not by itself.
    """
    product = port.rpartition("/")[0]
    contract = registry.get(ContractRecord, environment, port)
    assets = registry.all(AssetRecord, environment, product, where={"port": port})
    properties = [
        each
        for asset in assets
        for each in (asset.definition.get("properties") or {}).values()
        if isinstance(each, dict)
    ]
    return RequestFacts(
        environment=environment,
        port=port,
        product=product,
        access=access_of(contract),
        requester_kind=requester.kind,
        requester=requester.address,
        requester_domains=domains_of(registry, environment, requester),
        purpose=purpose,
        ends_at=ends_at,
        classifications=frozenset(str(each["classification"]) for each in properties if each.get("classification")),
    )


def access_of(contract: ContractRecord | None) -> Access:
    """The access type of a port's contract; the careful one where there is no contract, or none that is known."""
    known = contract is not None and contract.access in get_args(Access)
    return cast("Access", contract.access) if contract is not None and known else WITHOUT_CONTRACT
