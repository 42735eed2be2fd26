"""Who is to be let in at an output port, as a component sees it."""

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
        kind: What the requester is.
        address: ``domain/product``, ``domain/team``, an email, or ``domain``.
        users: Emails of the people behind it: the user, or the members of its teams.
        teams: Addresses of the technical teams behind it: itself, or all teams of the domain.
        product: Address of the data product, whose service identity is let in; None for the other kinds.
        ends_at: When access ends; None: not by itself.
        deployed: Whether the product stands.
        identity: Whom the product's code acts as, as its deployment recorded it; None where it is not known.
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
