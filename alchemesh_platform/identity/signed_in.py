"""Find the token of the acting user: in the environment, or in the file that `alchemesh login` wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.files.writing import write_private

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import IdentityProvider


class NotSignedIn(Failure):
    """Raised when no token is found."""

    exit_code = ExitCode.FORBIDDEN


def token_of(provider: IdentityProvider, environ: Mapping[str, str]) -> str:
    """The token of the acting user. A token in the environment takes precedence over a login.

    Raises:
        NotSignedIn: when neither exists.
    """
    token = environ.get(provider.token.secret, "").strip()
    if token:
        return token
    try:
        return kept_token_file(provider).read_text("utf-8")
    except OSError as error:
        from alchemesh_platform.identity.token import another

        raise NotSignedIn(
            f"no user is signed in: {provider.token.secret} has no value here"
            f"{', and no token of a login is kept' if provider.client else ''}",
            hint=another(provider),
        ) from error


def keep_token(provider: IdentityProvider, token: str) -> Path:
    """Store the token of a login in a file that only this user can read."""
    file = kept_token_file(provider)
    write_private(file, token)
    return file


def kept_token_file(provider: IdentityProvider) -> Path:
    """The file with the token of a login; each issuer, audience and client has its own."""
    from platformdirs import user_state_path

    meant = "\n".join((provider.issuer or "", provider.audience or "", provider.client or ""))
    name = hashlib.sha256(meant.encode()).hexdigest()
    return user_state_path("alchemesh", appauthor=False) / "tokens" / name
