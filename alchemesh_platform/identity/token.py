"""Verify a token of an OIDC issuer: signature, issuer, audience, times, and the claim that names the user.

Source: https://www.rfc-editor.org/rfc/rfc7519, https://www.rfc-editor.org/rfc/rfc8725 (best current practices)
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from alchemesh_platform.base.extras import install_command
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import Remedy, command, remedy
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.identity.issuer import ProviderUnavailable, Published, published_by

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import IdentityProvider

# Signatures that only the issuer can create. This excludes `none` and signatures with a shared secret, which anyone
# could create from the issuer's public key.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
LEEWAY_SECONDS = 60  # tolerates different clocks of two machines
EMAIL = "email"


class TokenRefused(Failure):
    """Raised when a token proves no identity. The message gives the reason, and never the token."""

    exit_code = ExitCode.FORBIDDEN


def verify(token: str, provider: IdentityProvider, *, now: float | None = None) -> Identity:
    """Verify a token and return its user.

    If the token's key is unknown, this fetches the keys once more, since issuers change them.

    Args:
        provider: The platform's identity provider, of kind ``oidc``.
        now: Seconds since 1970; by default the current time.

    Raises:
        TokenRefused: when the token is invalid; gives the reason and the command for a new token.
        ProviderUnavailable: when the issuer's keys cannot be fetched.
    """
    issuer = provider.issuer or ""
    claims = _claims(token, provider, published_by(issuer))
    _check(claims, provider, time.time() if now is None else now)
    return Identity(_subject(claims, provider), issuer)


def _claims(token: str, provider: IdentityProvider, published: Published) -> dict[str, Any]:
    """The claims of the token, after its signature is verified."""
    try:
        from joserfc import errors, jwt
        from joserfc.jwk import KeySet
    except ModuleNotFoundError as error:
        raise ProviderUnavailable(
            "an identity provider of kind oidc needs the package joserfc, which is not installed",
            hint=install_command("alchemesh-platform[oidc]"),
        ) from error
    try:
        keys = KeySet.import_key_set(published.keys)  # type: ignore[arg-type]
    except (errors.JoseError, KeyError, TypeError, ValueError) as error:
        raise ProviderUnavailable(f"the keys of the identity provider {provider.issuer} cannot be read") from error
    try:
        return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
    except (errors.UnsupportedAlgorithmError, errors.MissingAlgorithmError, errors.ConflictAlgorithmError) as error:
        _refuse(provider, "it is not signed by a key that only the identity provider has", error)
    except (errors.BadSignatureError, errors.InvalidKeyIdError, errors.MissingKeyError) as error:
        if not published.fresh:
            return _claims(token, provider, published_by(provider.issuer or "", fresh=True))
        reason = (
            "its signature is wrong"
            if isinstance(error, errors.BadSignatureError)
            else "its key is unknown to the issuer"
        )
        _refuse(provider, reason, error)
    except (errors.JoseError, ValueError, TypeError) as error:
        _refuse(provider, "it is no signed JSON Web Token", error)


def _check(claims: dict[str, Any], provider: IdentityProvider, now: float) -> None:
    """Check issuer, audience and times."""
    if claims.get("iss") != provider.issuer:
        _refuse(provider, f"it was issued by {_shown(claims.get('iss'))}")
    audience = claims.get("aud")
    if provider.audience not in (audience if isinstance(audience, list) else [audience]):
        _refuse(provider, f"it is meant for {_shown(audience)}, expected {provider.audience}")
    for claim in ("exp", *(name for name in ("nbf", "iat") if name in claims)):
        if not isinstance(claims.get(claim), int | float) or isinstance(claims[claim], bool):
            _refuse(provider, f"its claim {claim} is no time")
    if claims["exp"] <= now - LEEWAY_SECONDS:
        _refuse(provider, f"it expired at {_moment(claims['exp'])}")
    if claims.get("nbf", now) > now + LEEWAY_SECONDS:
        _refuse(provider, f"it is not valid before {_moment(claims['nbf'])}")


def _subject(claims: dict[str, Any], provider: IdentityProvider) -> str:
    subject = claims.get(provider.claim)
    if not isinstance(subject, str) or not subject.strip():
        _refuse(provider, f"it has no claim {provider.claim!r}, which names the user")
    if provider.claim == EMAIL and claims.get("email_verified") is not True:
        _refuse(provider, f"the identity provider has not verified the email {_shown(subject)}")
    return subject


def _refuse(provider: IdentityProvider, reason: str, error: Exception | None = None) -> NoReturn:
    raise TokenRefused(f"the token of {provider.token.secret} is refused: {reason}", hint=another(provider)) from error


def another(provider: IdentityProvider) -> Remedy:
    """The command that gets a new token."""
    login = remedy("{}, or ", command("login")) if provider.client else ""
    variable = f"set {provider.token.secret} to a token of {provider.issuer} for {provider.audience}"
    return remedy("get a new one: {}{}", login, variable)


def _moment(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return "an invalid time"


def _shown(value: Any) -> str:
    from alchemesh_platform.documents.document import described

    return ", ".join(map(described, value)) if isinstance(value, list) else described(value)
