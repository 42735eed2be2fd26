"""Rights to operate: policies decide who may deploy, run, destroy and change what an environment records.

The rules are policies that apply to an operation, shipped or of the mesh. Without a recorded mesh, every user may do
everything, because there is nobody to compare the user with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from alchemesh_platform.access.requester import is_recorded
from alchemesh_platform.access.rights import NotAllowed, if_that_is_you
from alchemesh_platform.policies.evaluate import evaluate_operation
from alchemesh_platform.policies.expression import CelMissing, cel_is_installed
from alchemesh_platform.policies.given import GivenMesh, GivenOperation, GivenTarget, GivenUser
from alchemesh_platform.policies.models import Outcome
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.records import DomainRecord, PolicyRecord, ProductRecord, TeamRecord, UserRecord

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.policies.models import Policy
    from alchemesh_platform.registry.store import Registry

LOOKED_BACK = 100  # changes of one address; a team may have the same address as a product
REFUSED = "refuse"  # the operation of acts that record a refusal
TAKEN_OVER = "take over"  # the operation of acts that record a take-over


@dataclass(frozen=True, slots=True)
class Target:
    """The target of an operation.

    Args:
        kind: product, domain, platform or mesh.
        address: ``domain/product``, ``domain``, or the environment.
        team: Team that the product's manifest declares, without its domain; None if no manifest is read.
        owner: Owner that the product's manifest declares; None if no manifest is read.
    """

    kind: Literal["product", "domain", "platform", "mesh"]
    address: str
    team: str | None = None
    owner: str | None = None

    @classmethod
    def product(cls, address: str, team: str | None = None, owner: str | None = None) -> Target:
        """A product, with team and owner of its manifest."""
        return cls("product", address, team, owner)

    @classmethod
    def domain(cls, name: str) -> Target:
        """The stack of a domain."""
        return cls("domain", name)

    @classmethod
    def platform(cls, environment: str) -> Target:
        """The stack of a platform."""
        return cls("platform", environment)

    @classmethod
    def mesh(cls, environment: str) -> Target:
        """The recorded mesh."""
        return cls("mesh", environment)

    @property
    def of_product(self) -> str:
        """Address of the product, for the audit; empty for another target."""
        return self.address if self.kind == "product" else ""


@dataclass(frozen=True, slots=True)
class Right:
    """Whether a user may carry out an operation.

    Args:
        allowed: Whether the operation may start.
        take_over: Whether the operation is allowed only because the user takes the product over.
        may_take_over: Whether a reason would allow it.
        policy: The policy that refuses; empty if none does.
        message: The message of that policy.
        hint: The remedy.
        warnings: Messages of policies that warn, each with its policy.
    """

    operation: str
    allowed: bool = True
    take_over: bool = False
    may_take_over: bool = False
    policy: str = ""
    message: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The right as one JSON object."""
        return {
            "operation": self.operation,
            "allowed": self.allowed,
            "take_over": self.may_take_over,
            "policy": self.policy or None,
            "message": self.message or None,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Operating:
    """The rights of one user in an environment, by its recorded mesh and its policies.

    Args:
        recorded: Whether a mesh is recorded; without one, every operation is allowed.
        user: The user, as policies see it.
        policies: The policies that apply to an operation.
    """

    registry: Registry
    environment: str
    identity: Identity
    recorded: bool
    user: GivenUser = field(default_factory=GivenUser)
    policies: tuple[Policy, ...] = ()

    @classmethod
    def of(cls, registry: Registry, environment: str, identity: Identity) -> Operating:
        """Read the mesh and its policies.

        Raises:
            CelMissing: when a mesh is recorded and its policies cannot be evaluated on this machine.
        """
        if not is_recorded(registry, environment):
            return cls(registry, environment, identity, recorded=False)
        if not cel_is_installed():
            raise CelMissing
        user = user_of(registry, environment, identity)
        return cls(registry, environment, identity, True, user, operation_policies(registry, environment))

    def right(
        self,
        operation: str,
        target: Target,
        *,
        reason: str = "",
        delete_data: bool = False,
        own_request: bool = False,
        mesh: GivenMesh | None = None,
    ) -> Right:
        """Whether the user may carry out an operation.

        Args:
            operation: Name of the operation.
            target: Its target.
            reason: Reason of a take-over; empty for none.
            delete_data: Whether data is deleted too.
            own_request: Whether the user approves a request of their own.
            mesh: The change of the mesh, for that target.
        """
        if not self.recorded:
            return Right(operation)
        domain = target.address.partition("/")[0] if target.kind in ("product", "domain") else None
        record = self.registry.get(DomainRecord, self.environment, domain) if domain is not None else None
        given = GivenOperation(
            name=operation,
            target=target.kind,
            delete_data=delete_data,
            own_request=own_request,
            user=self.user.model_copy(update={"mapped": self.identity.may(operation, target.kind, target.address)}),
            product=self._product(target) if target.kind == "product" else None,
            domain=domain,
            domain_owner=record.owner if record is not None else "",
            mesh=mesh,
        )
        plain = self._judged(given)
        if plain.allowed:
            return plain
        taken = self._judged(given.model_copy(update={"reason": reason or "another reason"}))
        if reason and taken.allowed:
            return Right(operation, take_over=True, may_take_over=True, warnings=taken.warnings)
        return Right(
            operation, False, False, taken.allowed, plain.policy, plain.message, plain.hint, warnings=plain.warnings
        )

    def check(
        self,
        operation: str,
        target: Target,
        *,
        reason: str = "",
        delete_data: bool = False,
        own_request: bool = False,
        mesh: GivenMesh | None = None,
    ) -> Right:
        """Refuse an operation that the user may not carry out, and record the refusal in the audit.

        See :meth:`right` for the arguments.

        Raises:
            NotAllowed: names the policy and the users that may.
        """
        right = self.right(
            operation, target, reason=reason, delete_data=delete_data, own_request=own_request, mesh=mesh
        )
        if right.allowed:
            return right
        on = {"product": target.address, "domain": f"the domain {target.address}"}.get(
            target.kind, f"the {target.kind}"
        )
        message = (
            f"{self.identity.subject} may not run {operation} on {on} in {self.environment}: {right.message} "
            f"(policy {right.policy})"
        )
        self._record(REFUSED, target, message, {"operation": operation, "policy": right.policy})
        owner = self._owner(target)
        hints = (right.hint, f"{owner} owns {target.address}" if owner else None, if_that_is_you(self.identity, owner))
        raise NotAllowed(message, hint="; ".join(filter(None, hints)))

    def record_take_over(self, operation: str, target: Target, reason: str) -> None:
        """Record in the audit that the user takes a product over."""
        self._record(TAKEN_OVER, target, reason, {"operation": operation})

    def _judged(self, given: GivenOperation) -> Right:
        warnings: list[str] = []
        for policy in self.policies:
            result = evaluate_operation(policy, given, self.environment)
            if result.outcome not in (Outcome.VIOLATED, Outcome.ERROR):
                continue
            if result.forbids:
                return Right(given.name, False, policy=policy.name, message=result.message, hint=result.hint)
            warnings.append(f"policy {policy.name}: {result.message}")
        return Right(given.name, warnings=tuple(warnings))

    def _product(self, target: Target) -> GivenTarget:
        """The product as recorded. A product that is not deployed is as its manifest declares it.

        Without a manifest, it is as it was recorded last: its team may delete the data that a `destroy` retained.
        """
        record = self.registry.get(ProductRecord, self.environment, target.address)
        domain = target.address.partition("/")[0]
        declared_team = f"{domain}/{target.team}" if target.team else None
        if record is None:
            last = None if declared_team else _last_record(self.registry, self.environment, target.address)
            team = f"{domain}/{last.team}" if last is not None else declared_team or ""
            owner = last.owner if last is not None else target.owner or ""
            return GivenTarget(address=target.address, team=team, owner=owner, deployed=False)
        return GivenTarget(
            address=target.address,
            team=f"{domain}/{record.team}",
            owner=record.owner,
            new_team=declared_team,
            new_owner=target.owner,
        )

    def _owner(self, target: Target) -> str | None:
        if target.kind == "product":
            return self._product(target).owner or None
        if target.kind == "domain":
            record = self.registry.get(DomainRecord, self.environment, target.address)
            return record.owner if record is not None else None
        return None

    def _record(self, operation: str, target: Target, reason: str, detail: dict[str, Any]) -> None:
        record_act(
            self.registry,
            Act(
                environment=self.environment,
                product=target.of_product,
                operation=operation,
                address=target.address,
                actor=self.identity.subject,
                issuer=self.identity.issuer,
                reason=reason,
                detail=detail,
            ),
        )


def _last_record(registry: Registry, environment: str, address: str) -> ProductRecord | None:
    """A destroyed product, as it was recorded last; None if it was never deployed."""
    for change in registry.history(environment, product=address, address=address, limit=LOOKED_BACK):
        if change.kind == ProductRecord.kind:
            return ProductRecord.model_validate(change.document)
    return None


def user_of(registry: Registry, environment: str, identity: Identity) -> GivenUser:
    """A user as policies see it: personas, teams and domains of the recorded mesh."""
    subject = identity.subject
    record = registry.get(UserRecord, environment, subject) if not identity.pipeline else None
    member_of = teams_of(registry, environment, subject) if record is not None else []
    owned = registry.all(DomainRecord, environment, where={"owner": subject}) if record is not None else []
    return GivenUser(
        email=subject,
        issuer=identity.issuer,
        proven=identity.is_proven,
        known=record is not None,
        personas=record.personas if record is not None else (),
        teams=tuple(team.address for team in member_of),
        domains=tuple(sorted({team.domain for team in member_of} | {domain.address for domain in owned})),
        pipeline=identity.pipeline,
    )


def operation_policies(registry: Registry, environment: str) -> tuple[Policy, ...]:
    """The policies that apply to an operation: the shipped ones, and the mesh's, which replace them by name."""
    from alchemesh_platform.policies.load import with_shipped
    from alchemesh_platform.policies.models import Policy, Scope

    own = [Policy.model_validate(record.document) for record in registry.all(PolicyRecord, environment)]
    return tuple(policy for policy in with_shipped(own) if policy.applies_to is Scope.OPERATION)


def teams_of(registry: Registry, environment: str, subject: str) -> list[TeamRecord]:
    """The teams of a user. Only teams whose document names the user are decoded: a mesh may have thousands."""
    from sqlalchemy import select

    from alchemesh_platform.registry.tables import teams

    named = teams.c.document.contains(json.dumps(subject, ensure_ascii=False), autoescape=True)
    query = select(teams.c.document).where(teams.c.environment == environment, named).order_by(teams.c.address)
    with registry.reading() as connection:
        documents = connection.execute(query).scalars().all()
    found = [TeamRecord.model_validate_json(document) for document in documents]
    return [team for team in found if subject in team.members]
