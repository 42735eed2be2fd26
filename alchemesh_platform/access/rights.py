"""Rights on access requests. They are the same in every environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester, is_recorded, resolve
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.identity.machine import USER_VARIABLE
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    DomainRecord,
    ProductRecord,
    TeamRecord,
    UserRecord,
)

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

PLATFORM_OWNER = "platform_owner"
_PEOPLE_SHOWN = 5


class NotAllowed(Failure):
    """Raised when a user lacks the right for an operation; names the users that have it."""

    exit_code = ExitCode.FORBIDDEN


def check_asks(registry: Registry, environment: str, identity: Identity, requester: Requester) -> None:
    """Only a requester's own people or a platform owner may request in its name.

    Without a recorded mesh, all may, except in the name of another user.

    Raises:
        NotAllowed: names the users that may.
    """
    if not is_recorded(registry, environment):
        if requester.kind == "user" and identity.subject != requester.address:
            raise NotAllowed(
                f"{identity.subject} may not request access for {requester}: no mesh is recorded in {environment}, so "
                "users request for themselves only",
                hint=remedy("{} records users and their rights", command("mesh", "apply")),
            )
        return
    people = representatives(registry, environment, requester)
    if identity.subject in people or is_platform_owner(registry, environment, identity):
        return
    who = ", ".join(sorted(people)[:_PEOPLE_SHOWN]) or "a platform owner"
    raise NotAllowed(
        f"{identity.subject} may not request access for {requester}: only its people may ({who})",
        hint=if_that_is_you(identity, min(people, default=None)),
    )


def check_decides(registry: Registry, identity: Identity, request: AccessRequestRecord, what: str) -> None:
    """Only the owner of the requested product or a platform owner may decide.

    Args:
        what: The operation on the request: approve, reject, …

    Raises:
        NotAllowed: names the users that may.
    """
    owner = owner_of(registry, request)
    if identity.subject == owner or is_platform_owner(registry, request.environment, identity):
        return
    who = f"{owner}, who owns {request.product}" if owner else f"the owner of {request.product}, which is not deployed"
    raise NotAllowed(
        f"{identity.subject} may not {what} {request.address}: it is decided by {who}, or by a platform owner",
        hint=if_that_is_you(identity, owner),
    )


def check_takes_part(registry: Registry, identity: Identity, request: AccessRequestRecord, what: str) -> None:
    """Only deciders and the requester's own people may act on an existing request.

    Raises:
        NotAllowed: names the users that may.
    """
    if speaks_for(registry, identity, request):
        return
    owner = owner_of(registry, request)
    if identity.subject == owner or is_platform_owner(registry, request.environment, identity):
        return
    raise NotAllowed(
        f"{identity.subject} may not {what} {request.address}: that is for {request.requester} and its people"
        f"{f', or for {owner}, who owns {request.product}' if owner else ''}",
        hint=if_that_is_you(identity, owner),
    )


def check_speaks_for(registry: Registry, identity: Identity, request: AccessRequestRecord, what: str) -> None:
    """Only the requester's own people may do this; the users that decide may not.

    Args:
        what: The operation, as words before the request's address: get the credential of, …

    Raises:
        NotAllowed: names the users that may.
    """
    if not speaks_for(registry, identity, request):
        raise NotAllowed(
            f"{identity.subject} may not {what} {request.address}: that is for {request.requester} and its people"
        )


def speaks_for(registry: Registry, identity: Identity, request: AccessRequestRecord) -> bool:
    """Whether the user is one of the requester's people now. The author of a request may have left them.

    Without a recorded mesh, the author of a request for a product, a team or a domain represents it too.
    """
    requester, environment = Requester.of(request), request.environment
    if is_recorded(registry, environment):
        known = registry.get(UserRecord, environment, identity.subject) is not None
        return known and identity.subject in representatives(registry, environment, requester)
    if requester.kind == "user":
        return identity.subject == requester.address
    return identity.subject in {request.steps[0].by, *people_of(registry, environment, requester)}


def representatives(registry: Registry, environment: str, requester: Requester) -> frozenset[str]:
    """The people of a requester. The people of its domain represent a product that is not deployed."""
    if requester.kind == "data_product" and registry.get(ProductRecord, environment, requester.address) is None:
        return people_of(registry, environment, Requester("data_domain", requester.address.partition("/")[0]))
    return people_of(registry, environment, requester)


def people_of(registry: Registry, environment: str, requester: Requester) -> frozenset[str]:
    """The users that represent a requester: the user; a team's members; a domain's owner and its teams' members; a
    product's owner and its team's members."""
    found = set(resolve(registry, environment, requester).users)
    if requester.kind == "data_domain":
        domain = registry.get(DomainRecord, environment, requester.address)
        found |= {domain.owner} if domain is not None else set()
    elif requester.kind == "data_product":
        product = registry.get(ProductRecord, environment, requester.address)
        if product is not None:
            team = registry.get(TeamRecord, environment, f"{requester.address.partition('/')[0]}/{product.team}")
            found |= {product.owner, *(team.members if team is not None else ())}
    return frozenset(found)


def people_of_request(registry: Registry, request: AccessRequestRecord) -> frozenset[str]:
    """The people of a requester now. Without a recorded mesh, the user that made the request."""
    return people_of(registry, request.environment, Requester.of(request)) or frozenset({request.steps[0].by})


def owner_of(registry: Registry, request: AccessRequestRecord) -> str | None:
    """The owner of the requested product; None if it is not deployed."""
    product = registry.get(ProductRecord, request.environment, request.product)
    return product.owner if product is not None else None


def is_platform_owner(registry: Registry, environment: str, identity: Identity) -> bool:
    """Whether the mesh lists the user as a platform owner."""
    user = registry.get(UserRecord, environment, identity.subject)
    return user is not None and PLATFORM_OWNER in user.personas


def if_that_is_you(identity: Identity, owner: str | None) -> str | None:
    """The fix for an owner that this machine cannot identify; None if the identity is verified."""
    if identity.is_proven or owner is None:
        return None
    return f"if you are {owner}, set {USER_VARIABLE}={owner}"
