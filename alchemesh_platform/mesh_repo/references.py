"""References to parts of the mesh that a change would delete."""

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

# Record kind by kind of requester. A product is no part of the mesh repo.
# `mesh apply` revokes the requests of users whom it removes.
REQUESTERS = {"data_domain": "domain", "technical_team": "team"}
SHOWN_MAX = 5  # references to each object in a message

_Key = tuple[str, str]  # kind of record, address


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A recorded reference to an object that a change would delete.

    Args:
        kind: Kind of the object: domain, team, source_system or user.
        address: Address of the object.
        loss: The persona or kind that the reference needs and the object would lose. Empty if the object is deleted.
        by: The source of the reference: address of a product, or an access request and its port.
    """

    kind: str
    address: str
    loss: str
    by: str


class StillReferenced(Failure):
    """Raised when a change would delete objects that are still referenced; has the references."""

    exit_code = ExitCode.FORBIDDEN

    def __init__(self, references: Iterable[Reference]) -> None:
        self.references = tuple(references)
        things: dict[str, list[str]] = {}
        for reference in self.references:
            things.setdefault(_described(reference), []).append(reference.by)
        lines = [f"  {thing}: {_listed(products)}" for thing, products in things.items()]
        what = (
            "a thing that would be removed is" if len(lines) == 1 else f"{len(lines)} things that would be removed are"
        )
        super().__init__(
            "\n".join([f"nothing was changed: {what} still referred to\n", *lines]),
            hint=remedy(
                "change or destroy those products first, reject or revoke those access requests, destroy domains' "
                "stacks with {}, or keep the referenced things in the mesh repo",
                command("domain", "destroy"),
            ),
        )


def references(registry: Registry, environment: str, diff: MeshDiff) -> list[Reference]:
    """Every recorded reference in an environment that a difference would break.

    This includes references to deleted objects, to owners that lose the owner persona, and to teams of products that
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
        # Source systems of ports whose product is not recorded, or no longer lists the source system.
        for flow in registry.all(LineageRecord, environment, where={"source_kind": "source_system"}):
            key = (SourceSystemRecord.kind, flow.source)
            if key in losses:
                found.add(Reference(*key, losses[key], flow.product))
    return sorted(found | set(_of_requests(registry, environment, diff)))


def _of_stacks(registry: Registry, environment: str, losses: Collection[_Key]) -> Iterator[Reference]:
    """Stacks of deleted domains: without the domain, nothing would destroy its stack."""
    for kind, name in losses:
        if kind == DomainRecord.kind and registry.get(FoundationRecord, environment, domain_project(name)) is not None:
            yield Reference(kind, name, "", f"its stack, {domain_project(name)}")


def _of_requests(registry: Registry, environment: str, diff: MeshDiff) -> Iterator[Reference]:
    """Open or granted access requests whose requester would be deleted."""
    gone = {(record.kind, record.address) for record in diff.removed if record.kind in REQUESTERS.values()}
    if not gone:
        return
    where: dict[str, Collection[str]] = {"state": list[str](OPEN), "requester_kind": list(REQUESTERS)}
    for request in registry.all(AccessRequestRecord, environment, where=where):
        kind = REQUESTERS[request.requester_kind]
        if (kind, request.requester) in gone:
            yield Reference(kind, request.requester, "", f"{request.address} ({request.port}, {request.state})")


def _losses(diff: MeshDiff) -> Iterator[tuple[_Key, str]]:
    """The objects that can no longer be referenced, each with its loss if it is not deleted."""
    for record in diff.removed:
        yield (record.kind, record.address), ""
    for change in diff.updated:
        lost = _purpose(change.before) - _purpose(change.after)
        if lost:
            yield (change.record.kind, change.record.address), lost.pop()


def _purpose(record: Record | None) -> set[str]:
    """The persona or kind of a user or team that products refer to, if any."""
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


def _described(reference: Reference) -> str:
    loss = f" without {reference.loss}" if reference.loss else ""
    return f"{reference.kind.replace('_', ' ')} {reference.address}{loss}"


def _listed(products: list[str]) -> str:
    more = len(products) - SHOWN_MAX
    return ", ".join(products[:SHOWN_MAX]) + (f" and {more:,} more" if more > 0 else "")
