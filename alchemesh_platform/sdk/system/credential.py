"""The credentials that a system issues to consumers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from alchemesh_platform.sdk.consumer import Consumer


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential: shown once, never stored.

    Args:
        user: Name of the user.
        password: Its password.
        valid_for: Addresses and settings that it is valid for; keys and values of the ``--json`` output.
        lines: The same, as lines for a person.
    """

    user: str
    password: str = field(repr=False)
    valid_for: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """One member of a consumer, who gets a credential.

    Args:
        member: Subject of the member's identity: an email.
        slot: 1 or 2. During a rotation, a member has one credential in each slot.
        expires_at: When the credential expires; None if it ends with the grant only.
        code: Whether the credential is for the code of products that read through the request, not for the member.
    """

    member: str
    slot: int = 1
    expires_at: datetime | None = None
    code: bool = False


class Credentials:
    """The credentials of one kind of connection. A system registers one object for each kind.

    Attributes:
        by_member: Whether each member of a consumer has a user of their own. Otherwise all members share the
            credential of the request, and it ends for all of them when one of them leaves.
        code_user: Whether the code of products signs in with the credential of the request. Otherwise the platform
            keeps a credential for it.
    """

    by_member: ClassVar[bool] = False
    code_user: ClassVar[bool] = False

    def issue(self, connection: Any, consumer: Consumer, holder: Holder) -> IssuedCredential | None:
        """Issue a credential, and replace the one that the holder has in this slot.

        Returns:
            The credential; None if access through this connection needs none.
        """
        raise NotImplementedError

    def shared_user(self, consumer: Consumer) -> str:
        """The user of the request: of its code, and of all members before each of them had a user of their own."""
        raise NotImplementedError

    def code_users(self, consumer: Consumer) -> tuple[str, ...]:
        """The users that code signs in with, by slot. With one user only, its credential cannot be rotated."""
        return (self.shared_user(consumer),)

    def limit(self, connection: Any, user: str, expires_at: datetime) -> None:
        """Let the credential of a user expire at another time, for a rotation."""

    def end(self, connection: Any, users: Collection[str]) -> Collection[str]:
        """End the credentials of users now, and close their connections. Idempotent.

        Returns:
            The users that had a credential.

        Raises:
            Failure: when the system cannot be reached from here.
        """
        raise NotImplementedError
