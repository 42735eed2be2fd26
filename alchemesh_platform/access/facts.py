"""What the rules look at, from the records of port and requester."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from alchemesh_platform.access.requester import Requester, domains_of
from alchemesh_platform.access.rules import WITHOUT_CONTRACT, Access, RequestFacts
from alchemesh_platform.registry.records import AccessRequestRecord, AssetRecord, ContractRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def facts_of(registry: Registry, request: AccessRequestRecord) -> RequestFacts:
    """What the rules look at, from the records of port and requester."""
    environment = request.environment
    contract = registry.get(ContractRecord, environment, request.port)
    assets = registry.all(AssetRecord, environment, request.product, where={"port": request.port})
    properties = [
        each
        for asset in assets
        for each in (asset.definition.get("properties") or {}).values()
        if isinstance(each, dict)
    ]
    return RequestFacts(
        environment=environment,
        port=request.port,
        product=request.product,
        access=access_of(contract),
        requester_kind=request.requester_kind,
        requester=request.requester,
        requester_domains=domains_of(registry, environment, Requester.of(request)),
        purpose=request.purpose,
        ends_at=request.ends_at,
        classifications=frozenset(str(each["classification"]) for each in properties if each.get("classification")),
    )


def access_of(contract: ContractRecord | None) -> Access:
    """The access type of a port's contract; the careful one where there is no contract, or none that is known."""
    known = contract is not None and contract.access in get_args(Access)
    return cast("Access", contract.access) if contract is not None and known else WITHOUT_CONTRACT
