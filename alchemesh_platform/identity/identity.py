"""Who is acting, and who vouches for it."""

from __future__ import annotations

from dataclasses import dataclass

LOCAL_ISSUER = "local"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who acts.

    Args:
        subject: The user's email, as the mesh knows users; ``user@host`` where nobody said which user it is.
        issuer: Who vouches for it: ``local``, or the address of an OIDC issuer.
    """

    subject: str
    issuer: str

    @property
    def is_proven(self) -> bool:
        """Whether somebody else than this machine vouches for it."""
        return self.issuer != LOCAL_ISSUER
