"""Requesters of access: a data product, a technical team, a user or a data domain, and their people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import COMPARED_MAX, did_you_mean
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    DomainRecord,
    ProductRecord,
    Record,
    RequesterKind,
    TeamRecord,
    UserRecord,
)
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.consumer import Consumer

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

KINDS: tuple[RequesterKind, ...] = get_args(RequesterKind)
SHAPES = {
    "data_product": "domain/product",
    "technical_team": "domain/team",
    "user": "email",
    "data_domain": "domain",
}
_DECLARE = remedy("people, teams and domains are declared in the mesh repo, then {}", command("mesh", "apply"))


class UnknownRequester(Failure):
    """Raised when the mesh does not contain the requester; suggests the closest one."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Requester:
    """A requester. By its kind, ``address`` is domain/product, domain/team, an email or a domain."""

    kind: RequesterKind
    address: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}"

    @classmethod
    def parse(cls, text: str) -> Requester:
        """Read ``KIND:ADDRESS``.

        Raises:
            UnknownRequester: when the text has another form; shows the expected form.
        """
        kind, sign, address = text.partition(":")
        forms = ", ".join(f"{kind}:{shape}" for kind, shape in SHAPES.items())
        if not sign:
            raise UnknownRequester(f"found {text!r}, expected KIND:ADDRESS", hint=f"one of {forms}")
        if kind not in KINDS:
            raise UnknownRequester(f"found a requester of kind {kind!r}", hint=did_you_mean(kind, KINDS))
        slashes = SHAPES[kind].count("/")
        if not all(address.split("/")) or address.count("/") != slashes:
            raise UnknownRequester(f"found {kind} {address!r}, expected {SHAPES[kind]}", hint=f"one of {forms}")
        return cls(kind, address)

    @classmethod
    def of(cls, request: AccessRequestRecord) -> Requester:
        """The requester of a request."""
        return cls(request.requester_kind, request.requester)


def check_known(registry: Registry, environment: str, requester: Requester) -> None:
    """Refuse a requester that the recorded mesh does not contain. Without a recorded mesh, every requester is accepted.

    A product may request access before it is deployed, since its deployment needs the access. This then checks its
    domain.

    Raises:
        UnknownRequester: with the closest name.
    """
    domains = [record.address for record in registry.all(DomainRecord, environment, limit=COMPARED_MAX)]
    if not domains:
        return
    kind, address = requester.kind, requester.address
    if kind == "data_product":
        if registry.get(ProductRecord, environment, address) is None:
            _check(
                registry, environment, DomainRecord, address.partition("/")[0], f"the domain of {requester}", domains
            )
        return
    kinds: dict[str, type[Record]] = {"technical_team": TeamRecord, "user": UserRecord, "data_domain": DomainRecord}
    known = domains if kind == "data_domain" else None
    _check(registry, environment, kinds[kind], address, f"the {kind.replace('_', ' ')} {address}", known)


def is_recorded(registry: Registry, environment: str) -> bool:
    """Whether `mesh apply` has recorded a mesh with domains."""
    return bool(registry.all(DomainRecord, environment, limit=1))


def resolve(
    registry: Registry, environment: str, requester: Requester, *, request: str = "", ends_at: datetime | None = None
) -> Consumer:
    """Resolve a requester to people, teams and service identities of the recorded mesh.

    Without a recorded mesh, only the address of a team or a domain is known. A user who left the recorded mesh resolves
    to nobody.
    """
    kind, address = requester.kind, requester.address
    left = (
        kind == "user" and registry.get(UserRecord, environment, address) is None and is_recorded(registry, environment)
    )
    teams: list[TeamRecord] = []
    if kind == "technical_team":
        team = registry.get(TeamRecord, environment, address)
        teams = [team] if team is not None else []
    elif kind == "data_domain":
        teams = registry.all(TeamRecord, environment, where={"domain": address})
    users = {member for team in teams for member in team.members}
    product = registry.get(ProductRecord, environment, address) if kind == "data_product" else None
    identity = (
        CodeIdentity(kind=product.identity["kind"], name=product.identity["name"])
        if product is not None and product.identity is not None
        else None
    )
    return Consumer(
        request=request,
        kind=kind,
        address=address,
        users=() if left else (address,) if kind == "user" else tuple(sorted(users)),
        teams=(address,) if kind == "technical_team" else tuple(team.address for team in teams),
        product=address if kind == "data_product" else None,
        ends_at=ends_at,
        deployed=product is not None,
        identity=identity,
    )


def domains_of(registry: Registry, environment: str, requester: Requester) -> frozenset[str]:
    """The data domains of a requester; for a user, the domains of the user's teams."""
    if requester.kind != "user":
        return frozenset({requester.address.partition("/")[0]})
    teams = registry.all(TeamRecord, environment)
    return frozenset(team.domain for team in teams if requester.address in team.members)


def _check(
    registry: Registry,
    environment: str,
    kind: type[Record],
    address: str,
    what: str,
    known: Sequence[str] | None,
) -> None:
    if registry.get(kind, environment, address) is not None:
        return
    names = known or [record.address for record in registry.all(kind, environment, limit=COMPARED_MAX)]
    raise UnknownRequester(
        f"the mesh of {environment} does not know {what}", hint=did_you_mean(address, names, otherwise=_DECLARE)
    )
