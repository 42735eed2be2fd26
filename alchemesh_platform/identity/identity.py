"""Who is acting, and who vouches for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alchemesh_platform.identity.machine import local_subject

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

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


def identify(platform: Platform, environ: Mapping[str, str] = os.environ) -> Identity:
    """Who is acting, by the identity provider of the platform.

    Raises:
        NotSignedIn: when the provider vouches for nobody here.
        TokenRefused: when it does not vouch for this token, with the reason.
        ProviderUnavailable: when it cannot be asked.
    """
    provider = platform.identity
    if provider.provider == "local":
        return Identity(local_subject(environ), LOCAL_ISSUER)
    from alchemesh_platform.identity.signed_in import token_of
    from alchemesh_platform.identity.token import verify

    return verify(token_of(provider, environ), provider)
