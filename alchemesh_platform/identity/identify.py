"""Identify the acting user, through this machine or the platform's identity provider."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from alchemesh_platform.identity.identity import LOCAL_ISSUER, Identity
from alchemesh_platform.identity.machine import local_subject

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform


def identify(platform: Platform, environ: Mapping[str, str] = os.environ) -> Identity:
    """The acting user, verified by the platform's identity provider.

    Raises:
        NotSignedIn: when no user is signed in on this machine.
        TokenRefused: when the provider refuses the token; gives the reason.
        ProviderUnavailable: when the provider cannot be reached.
    """
    provider = platform.identity
    if provider.provider == "local":
        return Identity(local_subject(environ), LOCAL_ISSUER)
    from alchemesh_platform.identity.signed_in import token_of
    from alchemesh_platform.identity.token import verify

    return verify(token_of(provider, environ), provider)
