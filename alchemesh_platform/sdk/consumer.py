"""The consumer of an output port, as a component sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from alchemesh_platform.sdk.code.identity import CodeIdentity

RequesterKind = Literal["data_product", "technical_team", "user", "data_domain"]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A requester with approved access, resolved to people, teams and service identities.

    All fields are independent of any technology. A component translates them into the principals of its technology, by
    its settings.

    Args:
        request: Address of the access request; one grant answers one request.
        kind: Kind of the requester.
        address: ``domain/product``, ``domain/team``, an email, or ``domain``.
        users: Emails of the people behind it: the user, or the members of its teams.
        teams: Addresses of the technical teams behind it: itself, or all teams of the domain.
        product: Address of the data product, whose identity receives access; None for other kinds.
        ends_at: The time at which access expires; None if it does not expire.
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
        """The people and teams behind the consumer. They can change with each resolution."""
        return (*self.users, *self.teams)

    @property
    def slug(self) -> str:
        """The requester in letters, digits and hyphens, for labels and descriptions. It is not unique."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.address.lower()).strip("-")
