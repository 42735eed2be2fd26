"""Sign in with a code that the user enters in a browser, on this machine or another.

Source: https://www.rfc-editor.org/rfc/rfc8628 (OAuth 2.0 Device Authorization Grant)
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.web_address import is_protected
from alchemesh_platform.identity.issuer import ProviderUnavailable, answer_of, configuration_of

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import IdentityProvider

SCOPE = "openid email"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
# Sections 3.2 and 3.5: the default interval between requests, and its increase when the provider asks to slow down.
INTERVAL_SECONDS = 5.0
SLOWER_SECONDS = 5.0
EXPIRES_SECONDS = 600.0


class NoLogin(Failure):
    """Raised when the identity provider supports no login."""

    exit_code = ExitCode.USAGE


class LoginRefused(Failure):
    """Raised when the identity provider issues no token; gives its reason."""

    exit_code = ExitCode.FORBIDDEN


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A login that has started.

    Args:
        address: Page on which the user enters the code.
        code: The code that the user enters.
        secret: The device code that requests the token; never shown.
        endpoint: Address that issues the token.
    """

    address: str
    code: str
    secret: str
    endpoint: str
    interval_seconds: float
    ends_at: float


def ask_for_code(provider: IdentityProvider) -> AskedFor:
    """Start a login.

    Raises:
        NoLogin: when the platform's identity provider has no login.
        LoginRefused: when the provider refuses the client.
        ProviderUnavailable: when the provider cannot be reached.
    """
    issuer = provider.issuer or ""
    if provider.provider != "oidc" or not provider.client:
        raise NoLogin(
            "this environment has no login",
            hint="identity: {provider: oidc, …, client: …} in the platform file names the client of the login",
        )
    configuration = configuration_of(issuer)
    device, token = (configuration.get(key) for key in ("device_authorization_endpoint", "token_endpoint"))
    if not (isinstance(device, str) and isinstance(token, str) and is_protected(device) and is_protected(token)):
        raise NoLogin(
            f"{issuer} does not support login with a device code",
            hint=f"set {provider.token.secret} to a token that you got elsewhere",
        )
    answer = answer_of(device, issuer, {"client_id": provider.client, "scope": SCOPE})
    try:
        return AskedFor(
            str(answer.get("verification_uri_complete") or answer["verification_uri"]),
            str(answer["user_code"]),
            str(answer["device_code"]),
            token,
            float(answer.get("interval", INTERVAL_SECONDS)),
            time.monotonic() + float(answer.get("expires_in", EXPIRES_SECONDS)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _refused(provider, answer) from error


def wait_for_token(provider: IdentityProvider, asked: AskedFor) -> str:
    """Wait until the user has entered the code, and return the token.

    The result is the ID token, which identifies the user. An access token may be readable only for other services.

    Raises:
        LoginRefused: when the user refuses, or the code expires.
    """
    interval = asked.interval_seconds
    form = {"grant_type": GRANT_TYPE, "device_code": asked.secret, "client_id": provider.client or ""}
    while time.monotonic() < asked.ends_at:
        time.sleep(interval)
        answer = answer_of(asked.endpoint, provider.issuer or "", form)
        token, error = answer.get("id_token"), answer.get("error")
        if isinstance(token, str):
            return token
        if error == "slow_down":
            interval += SLOWER_SECONDS
        elif error != "authorization_pending":
            raise _refused(provider, answer)
    raise LoginRefused("the code expired before it was entered", hint="run the command again for a new code")


def _refused(provider: IdentityProvider, answer: dict[str, object]) -> Failure:
    error = answer.get("error")
    if not isinstance(error, str):
        return ProviderUnavailable(f"the identity provider {provider.issuer} gives no token and no reason")
    reason = f"{error}: {answer['error_description']}" if answer.get("error_description") else error
    return LoginRefused(f"{provider.issuer} refuses the login: {reason}", hint="run the command again for a new code")
