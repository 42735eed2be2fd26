"""Rights to operate: check them before a use case starts anything, and show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alchemesh_platform.app.events import Listener, Noted, ignore
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.access.operating import Right, Target
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.mesh_repo.difference import MeshDiff
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry

OPERATIONS = ("up", "refresh", "run", "report", "destroy", "unlock", "access apply")


class UnknownProduct(Failure):
    """Raised when rights on a product are requested whose domain the mesh does not have."""

    exit_code = ExitCode.USAGE


def check_right(
    platform: Platform,
    actor: Identity,
    operation: str,
    target: Target,
    *,
    take_over: str | None = None,
    delete_data: bool = False,
    listen: Listener = ignore,
) -> Right:
    """Refuse an operation that the actor may not carry out, before anything starts. The audit records a refusal.

    Args:
        platform: The environment.
        actor: The acting identity.
        operation: Name of the operation.
        target: Its target.
        take_over: Reason of a take-over; None for none.
        delete_data: Whether data is deleted too.
        listen: Receives the warnings of policies.

    Raises:
        NotAllowed: names the policy and the owner.
        RegistryUnavailable: when the registry exists and cannot be read: the right is unknown.
    """
    from alchemesh_platform.access.operating import Right
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    try:
        with Registry.open(platform.registry, create=False) as registry:
            return check_recorded_right(
                registry,
                platform.environment,
                actor,
                operation,
                target,
                take_over=take_over,
                delete_data=delete_data,
                listen=listen,
            )
    except RegistryMissing:
        return Right(operation)  # nothing is recorded, so no mesh is either


def check_right_to_report(registry: Registry, environment: str, actor: Identity | None, product: str) -> None:
    """Refuse to measure a product, to report about it, or to act on its incidents and maintenance.

    Args:
        registry: The open registry of the environment.
        environment: Name of the environment.
        actor: The acting identity. None for the platform's own process, which has the right.
        product: ``domain/product``.

    Raises:
        NotAllowed: names the policy and the owner.
    """
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.deployment.code.reports import OPERATION

    if actor is not None:
        check_recorded_right(registry, environment, actor, OPERATION, Target.product(product))


def check_recorded_right(
    registry: Registry,
    environment: str,
    actor: Identity,
    operation: str,
    target: Target,
    *,
    take_over: str | None = None,
    delete_data: bool = False,
    listen: Listener = ignore,
) -> Right:
    """The same as :func:`check_right`, in an open registry."""
    from alchemesh_platform.access.operating import Operating

    operating = Operating.of(registry, environment, actor)
    right = operating.check(operation, target, reason=take_over or "", delete_data=delete_data)
    for warning in right.warnings:
        listen(Noted(f"warning: {warning}"))
    return right


def check_mesh_right(registry: Registry, environment: str, actor: Identity, difference: MeshDiff) -> None:
    """Refuse a change of the recorded mesh that the actor may not make. A platform owner may make every change.

    Raises:
        NotAllowed: names the policy.
    """
    from alchemesh_platform.access.operating import Operating, Target
    from alchemesh_platform.access.rights import PLATFORM_OWNER, is_platform_owner
    from alchemesh_platform.mesh_repo.difference import shared_changes, touched_domains
    from alchemesh_platform.policies.given import GivenMesh
    from alchemesh_platform.registry.records import DomainRecord, UserRecord

    if is_platform_owner(registry, environment, actor):
        return  # a policy can never lock out everybody
    domains = touched_domains(difference)
    owned = {each.address for each in registry.all(DomainRecord, environment, where={"owner": actor.subject})}
    mesh = GivenMesh(
        domains=tuple(sorted(domains)),
        owned=tuple(sorted(domains & owned)),
        shared=shared_changes(difference),
        has_platform_owner=any(PLATFORM_OWNER in user.personas for user in registry.all(UserRecord, environment)),
    )
    Operating.of(registry, environment, actor).check("mesh apply", Target.mesh(environment), mesh=mesh)


def record_take_over(
    registry: Registry, environment: str, actor: Identity, right: Right, target: Target, reason: str | None
) -> None:
    """Record in the audit that an operation takes a product over; does nothing for an operation that does not."""
    from alchemesh_platform.access.operating import Operating

    if right.take_over:
        Operating(registry, environment, actor, recorded=True).record_take_over(right.operation, target, reason or "")


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of a user on a product.

    Args:
        product: ``domain/product``.
        recorded: Whether a mesh is recorded; without one, everybody may do everything.
        deployed: Whether the product is deployed.
        rights: The right to each operation, in the order of ``OPERATIONS``.
    """

    product: str
    recorded: bool
    deployed: bool
    rights: tuple[Right, ...]

    def as_json(self) -> dict[str, Any]:
        """The rights as one JSON object."""
        return {
            "on": self.product,
            "recorded": self.recorded,
            "deployed": self.deployed,
            "rights": [right.as_json() for right in self.rights],
        }


def rights_on(platform: Platform, actor: Identity, product: str) -> Rights:
    """The rights of a user on a product: to operate it, and to decide about it.

    Args:
        platform: The environment.
        actor: The user.
        product: ``domain/product``.

    Raises:
        UnknownProduct: when the mesh has neither the product nor its domain.
    """
    from alchemesh_platform.access.operating import Right
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    try:
        with Registry.open(platform.registry, create=False) as registry:
            return recorded_rights(registry, platform.environment, actor, product)
    except RegistryMissing:
        return Rights(product, False, False, tuple(Right(operation) for operation in OPERATIONS))


def recorded_rights(registry: Registry, environment: str, actor: Identity, product: str) -> Rights:
    """The same as :func:`rights_on`, in an open registry."""
    from alchemesh_platform.access.operating import Operating, Right, Target
    from alchemesh_platform.access.rights import is_platform_owner
    from alchemesh_platform.base.problems import COMPARED_MAX, did_you_mean
    from alchemesh_platform.registry.records import DomainRecord, ProductRecord

    operating = Operating.of(registry, environment, actor)
    record = registry.get(ProductRecord, environment, product)
    domain = product.partition("/")[0]
    if operating.recorded and record is None and registry.get(DomainRecord, environment, domain) is None:
        products = [each.address for each in registry.all(ProductRecord, environment, limit=COMPARED_MAX)]
        raise UnknownProduct(
            f"the mesh of {environment} has no product {product} and no domain {domain}",
            hint=did_you_mean(product, products),
        )
    target = Target.product(product)
    found = [operating.right(operation, target) for operation in OPERATIONS]
    if record is not None:
        owns = actor.subject == record.owner
        platform_owner = is_platform_owner(registry, environment, actor)
        refused = "only the owner of the product or a platform owner may do this"
        for operation in ("access approve", "contract notice"):
            allowed = owns or platform_owner
            found.append(Right(operation, allowed, message="" if allowed else refused))
        found.append(
            Right(
                "contract override",
                platform_owner,
                message="" if platform_owner else "only a platform owner may do this",
            )
        )
    return Rights(product, operating.recorded, record is not None, tuple(found))
