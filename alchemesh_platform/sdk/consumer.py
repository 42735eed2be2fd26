"""The consumer of an output port, as a component sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alchemesh_platform.sdk.code_identity import CodeIdentity

RequesterKind = Literal["data_product", "technical_team", "user", "data_domain"]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A requester whose access was approved, worked out to people, teams and service identities.

    A component translates these into the principals of its technology, by its settings; nothing here is of any
    technology.

    Args:
        request: Address of the access request; one grant answers one request.
        kind: Kind of the requester.
        address: ``domain/product``, ``domain/team``, an email, or ``domain``.
        users: Emails of the people behind it: the user, or the members of its teams.
        teams: Addresses of the technical teams behind it: itself, or all teams of the domain.
        product: Address of the data product, whose identity receives access; None for other kinds.
        ends_at: The end of access; None: no end.
        deployed: Whether the product is deployed.
        identity: Identity of the product's code, as its deployment recorded it; None if unknown.
    """

    request: str
    kind: RequesterKind
    address: str
    users: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    product: str | None = None
    ends_at: datetime | None = None
    deployed: bool = False
    identity: CodeIdentity | None = None

    @property
    def behind(self) -> tuple[str, ...]:
        """People and teams behind it, who may be others tomorrow."""
        return (*self.users, *self.teams)

    @property
    def slug(self) -> str:
        """The requester in letters, digits and hyphens: for labels and descriptions, since two may share one."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.address.lower()).strip("-")
