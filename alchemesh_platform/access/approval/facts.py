"""The facts that the approval rules use, from the records of the port and the requester."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, cast, get_args

from alchemesh_platform.access.approval.rules import WITHOUT_CONTRACT, Access, RequestFacts
from alchemesh_platform.access.requester import Requester, domains_of
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
    """The facts for the rules when a requester requests access to a port.

    Args:
        registry: The registry.
        environment: Name of the environment.
        port: Address of the output port.
        requester: The requester.
        purpose: Purpose of the request.
        ends_at: The end of access; None for no end.
    """
    product = port.rpartition("/")[0]
    contract = registry.get(ContractRecord, environment, port)
    assets = registry.all(AssetRecord, environment, product, where={"port": port})
    found = {each for asset in assets for each in _classifications(asset.definition)}
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
        classifications=frozenset(found),
    )


def _classifications(declared: object) -> Iterator[str]:
    """All classifications in a model, including nested objects and arrays."""
    if not isinstance(declared, dict):
        return
    if declared.get("classification"):
        yield str(declared["classification"])
    parts = declared.get("properties")
    for part in (*(parts.values() if isinstance(parts, dict) else ()), declared.get("items")):
        yield from _classifications(part)


def access_of(contract: ContractRecord | None) -> Access:
    """The access type of a port's contract; the restrictive default if the contract or its access type is missing."""
    known = contract is not None and contract.access in get_args(Access)
    return cast("Access", contract.access) if contract is not None and known else WITHOUT_CONTRACT
