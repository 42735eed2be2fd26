"""The acting user, and the issuer that authenticated the user."""

from __future__ import annotations

from dataclasses import dataclass

LOCAL_ISSUER = "local"


@dataclass(frozen=True, slots=True)
class Identity:
    """An acting user.

    Args:
        subject: The user's email, as in the mesh; ``user@host`` if no user is configured.
        issuer: The issuer of the identity: ``local``, or the address of an OIDC issuer.
    """

    subject: str
    issuer: str

    @property
    def is_proven(self) -> bool:
        """Whether an issuer other than this machine authenticated the user."""
        return self.issuer != LOCAL_ISSUER
