"""References to parts of the mesh that are about to be removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alchemesh_platform.access.requests.states import OPEN
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.compose.foundation import domain_project
from alchemesh_platform.mesh_repo.difference import MeshDiff
from alchemesh_platform.mesh_repo.mesh import OWNER_PERSONA, PRODUCT_TEAM
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    DomainRecord,
    FoundationRecord,
    LineageRecord,
    ProductRecord,
    Record,
    SourceSystemRecord,
    TeamRecord,
    UserRecord,
)

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

# Kind of requester: kind of the record that it is. A product is no part of the mesh repo.
REQUESTERS = {"data_domain": "domain", "technical_team": "team", "user": "user"}
SHOWN_MAX = 5  # references that a message names of each thing

_Key = tuple[str, str]  # kind of record, address


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Something that is recorded and refers to a thing that would go.

    Args:
        kind: Of the thing: domain, team, source_system or user.
        address: Of the thing.
        loss: The persona or kind that the reference needs and the part would lose. Empty if the part is removed.
        by: The source of the reference: address of a product, or an access request and its port.
    """

    kind: str
    address: str
    loss: str
    by: str


class StillReferenced(Failure):
    """Raised instead of removing what something still refers to; carries the references."""

    exit_code = ExitCode.FORBIDDEN

    def __init__(self, references: Iterable[Reference]) -> None:
        self.references = tuple(references)
        things: dict[str, list[str]] = {}
        for reference in self.references:
            things.setdefault(_reported(reference), []).append(reference.by)
        lines = [f"  {thing}: {_listed(products)}" for thing, products in things.items()]
        what = "a thing that would go is" if len(lines) == 1 else f"{len(lines)} things that would go are"
        super().__init__(
            "\n".join([f"nothing was changed: {what} still referred to\n", *lines]),
            hint=remedy(
                "change or destroy those products first, reject or revoke those access requests, take domains' stacks "
                "down by {}, or keep what is referred to in the mesh repo",
                command("domain", "destroy"),
            ),
        )


def references(registry: Registry, environment: str, diff: MeshDiff) -> list[Reference]:
    """Everything recorded in an environment that a difference would leave without what it refers to.

    Beside things that are removed, these are owners that lose the persona of an owner, and teams of products that
    become teams of another kind.
    """
    losses = dict(_losses(diff))
    if not losses:
        return []
    found = {*_of_stacks(registry, environment, losses)} | {
        Reference(*key, losses[key], product.address)
        for product in registry.all(ProductRecord, environment)
        for key in _refers_to(product)
        if key in losses
    }
    if any(kind == SourceSystemRecord.kind for kind, _ in losses):
        # Those of ports whose product is not recorded, or does not list the source system any more.
        for flow in registry.all(LineageRecord, environment, where={"source_kind": "source_system"}):
            key = (SourceSystemRecord.kind, flow.source)
            if key in losses:
                found.add(Reference(*key, losses[key], flow.product))
    return sorted(found | set(_of_requests(registry, environment, diff)))


def _of_stacks(registry: Registry, environment: str, losses: Collection[_Key]) -> Iterator[Reference]:
    """Stacks of domains that would go: without its domain, nothing takes such a stack down."""
    for kind, name in losses:
        if kind == DomainRecord.kind and registry.get(FoundationRecord, environment, domain_project(name)) is not None:
            yield Reference(kind, name, "", f"its stack, {domain_project(name)}")


def _of_requests(registry: Registry, environment: str, diff: MeshDiff) -> Iterator[Reference]:
    """Access requests that are open or granted, and whose requester would go."""
    gone = {(record.kind, record.address) for record in diff.removed if record.kind in REQUESTERS.values()}
    if not gone:
        return
    where: dict[str, Collection[str]] = {"state": list[str](OPEN), "requester_kind": list(REQUESTERS)}
    for request in registry.all(AccessRequestRecord, environment, where=where):
        kind = REQUESTERS[request.requester_kind]
        if (kind, request.requester) in gone:
            yield Reference(kind, request.requester, "", f"{request.address} ({request.port}, {request.state})")


def _losses(diff: MeshDiff) -> Iterator[tuple[_Key, str]]:
    """The things that cannot be referred to any more, each with what it loses where it stays."""
    for record in diff.removed:
        yield (record.kind, record.address), ""
    for change in diff.updated:
        lost = _purpose(change.before) - _purpose(change.after)
        if lost:
            yield (change.record.kind, change.record.address), lost.pop()


def _purpose(record: Record | None) -> set[str]:
    """The persona or kind for which products refer to a user or team, if it has that."""
    if isinstance(record, UserRecord) and OWNER_PERSONA in record.personas:
        return {f"the persona {OWNER_PERSONA}"}
    if isinstance(record, TeamRecord) and record.team_kind == PRODUCT_TEAM:
        return {f"the kind {PRODUCT_TEAM}"}
    return set()


def _refers_to(product: ProductRecord) -> Iterator[_Key]:
    domain = product.address.partition("/")[0]
    yield DomainRecord.kind, domain
    yield TeamRecord.kind, f"{domain}/{product.team}"
    yield UserRecord.kind, product.owner
    for system in product.source_systems:
        yield SourceSystemRecord.kind, f"{domain}/{system}"


def _reported(reference: Reference) -> str:
    loss = f" without {reference.loss}" if reference.loss else ""
    return f"{reference.kind.replace('_', ' ')} {reference.address}{loss}"


def _listed(products: list[str]) -> str:
    more = len(products) - SHOWN_MAX
    return ", ".join(products[:SHOWN_MAX]) + (f" and {more:,} more" if more > 0 else "")
