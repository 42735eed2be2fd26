"""Verify a token of an OIDC issuer: signature, issuer, audience, times, and the claim that names the user.

Source: https://www.rfc-editor.org/rfc/rfc7519, https://www.rfc-editor.org/rfc/rfc8725 (best current practices)
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.remedy import Remedy, command, remedy
from alchemesh_platform.identity.identity import Identity, Mapped
from alchemesh_platform.identity.issuer import ProviderUnavailable, Published, published_by

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import IdentityProvider, Pipeline

# Signatures that only the issuer can create. This excludes `none` and signatures with a shared secret, which anyone
# could create from the issuer's public key.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
TOKEN_MAX = 16 * 1024  # HTTP servers accept headers of 8 KiB to 16 KiB
LEEWAY_SECONDS = 60  # tolerates different clocks of two machines
EMAIL = "email"
PIPELINE = "pipeline"


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
    moment = time.time() if now is None else now
    named = _unverified_issuer(token)
    own = provider.issuer or ""
    trusted = provider
    # The token chooses among the issuers of the platform file; the keys of that issuer then verify it.
    if named is not None and named != own and named in {pipeline.issuer for pipeline in provider.pipelines}:
        trusted = provider.model_copy(update={"issuer": named})
    issuer = trusted.issuer or ""
    claims = _claims(token, trusted, published_by(issuer))
    pipelines = [each for each in provider.pipelines if _is_of(each, provider, claims)]
    if pipelines:
        _check(claims, trusted.model_copy(update={"audience": pipelines[0].audience or provider.audience}), moment)
        return _pipeline(pipelines, claims, trusted)
    if trusted is not provider:
        _refuse(trusted, f"no pipeline of the platform file has its claims (sub {_shown(claims.get('sub'))})")
    _check(claims, provider, moment)
    return Identity(_subject(claims, provider), issuer)


def _is_of(pipeline: Pipeline, provider: IdentityProvider, claims: dict[str, Any]) -> bool:
    """Whether a token belongs to a pipeline: by its issuer, its audience and each of the claims."""
    audience = claims.get("aud")
    return (
        claims.get("iss") == (pipeline.issuer or provider.issuer)
        and (pipeline.audience or provider.audience) in (audience if isinstance(audience, list) else [audience])
        and all(_matches(claims.get(name), wanted) for name, wanted in pipeline.claims.items())
    )


def _matches(found: Any, wanted: str) -> bool:
    if isinstance(found, list):
        return any(_matches(each, wanted) for each in found)
    if not isinstance(found, str):
        return False
    return found.startswith(wanted[:-1]) if wanted.endswith((":*", "/*")) else found == wanted


def _pipeline(pipelines: list[Pipeline], claims: dict[str, Any], provider: IdentityProvider) -> Identity:
    """The identity of a pipeline: its ``sub``, with everything that the matching entries map it to."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip():
        _refuse(provider, "it has no claim 'sub', which names the pipeline")
    mapped = tuple(Mapped(each.products, each.domains, each.platform, each.mesh, each.operations) for each in pipelines)
    # The issuer of a pipeline authenticates no users: a `sub` like an email must not pass for the user of the mesh.
    own = f"{PIPELINE}:{subject}" if "@" in subject else subject
    return Identity(own, provider.issuer or "", ", ".join(each.name for each in pipelines), mapped)


def _unverified_issuer(token: str) -> str | None:
    """The issuer that a token names, before anything verifies it; None if it is unreadable."""
    import json
    from base64 import urlsafe_b64decode

    try:
        body = token.split(".")[1]
        issuer = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4))).get("iss")
    except (IndexError, ValueError, AttributeError, RecursionError):
        return None
    return issuer if isinstance(issuer, str) else None


def _claims(token: str, provider: IdentityProvider, published: Published) -> dict[str, Any]:
    """The claims of the token, after its signature is verified."""
    if len(token) > TOKEN_MAX:
        _refuse(provider, f"it has {len(token):,} characters, and a token has at most {TOKEN_MAX:,}")
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
    except (errors.JoseError, ValueError, TypeError, RecursionError) as error:
        _refuse(provider, "it is no signed JSON Web Token", error)


def _check(claims: dict[str, Any], provider: IdentityProvider, now: float) -> None:
    """Check issuer, audience and times."""
    if claims.get("iss") != provider.issuer:
        _refuse(provider, f"it was issued by {_shown(claims.get('iss'))}")
    audience = claims.get("aud")
    if provider.audience not in (audience if isinstance(audience, list) else [audience]):
        _refuse(provider, f"it is meant for {_shown(audience)}, expected {provider.audience}")
    for claim in ("exp", *(name for name in ("nbf", "iat") if name in claims)):
        if (
            not isinstance(claims.get(claim), int | float)
            or isinstance(claims[claim], bool)
            or not _finite(claims[claim])
        ):
            _refuse(provider, f"its claim {claim} is no time")
    if claims["exp"] <= now - LEEWAY_SECONDS:
        _refuse(provider, f"it expired at {_moment(claims['exp'])}")
    if claims.get("nbf", now) > now + LEEWAY_SECONDS:
        _refuse(provider, f"it is not valid before {_moment(claims['nbf'])}")


def _finite(seconds: float) -> bool:
    """Whether a number is a time. JSON of Python also reads NaN and Infinity, and nothing is later than those."""
    try:
        return math.isfinite(seconds)
    except OverflowError:  # an integer that no number of a clock holds
        return False


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
