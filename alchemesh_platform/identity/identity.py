"""Who is acting, and who vouches for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alchemesh_platform.deployment.actor import actor

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

USER_VARIABLE = "ALCHEMESH_USER"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who acts.

    Args:
        subject: The user's email, as the mesh knows users; ``user@host`` where nobody said which user it is.
        issuer: Who vouches for it: ``local``, or the address of an OIDC issuer.
    """

    subject: str
    issuer: str


def identify(platform: Platform, environ: Mapping[str, str] = os.environ) -> Identity:
    """Who is acting, by the identity provider of the platform."""
    return Identity(environ.get(USER_VARIABLE) or actor(), "local")
