"""The published metadata of an OIDC issuer: its endpoints and its signing keys.

Source: https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.base.web_address import is_protected

WELL_KNOWN = "/.well-known/openid-configuration"
ANSWER_SECONDS = 10
ANSWER_BYTES_MAX = 1_000_000
KEPT_SECONDS = 3600  # longest time for which a revoked key of the issuer is accepted


class ProviderUnavailable(Failure):
    """Raised when an identity provider cannot be reached, or sends an unexpected response."""


@dataclass(frozen=True, slots=True)
class Published:
    """The metadata of an issuer.

    Args:
        configuration: Its discovery document.
        keys: Its JSON Web Key Set.
        fresh: Whether the issuer has just sent it; False for a cached one.
    """

    configuration: dict[str, Any]
    keys: dict[str, Any]
    fresh: bool = True


def published_by(issuer: str, *, fresh: bool = False) -> Published:
    """The metadata of an issuer, from this user's cache if it is less than an hour old.

    Args:
        fresh: Whether to ignore the cache: the issuer's keys may have changed.

    Raises:
        ProviderUnavailable: when the issuer cannot be reached.
    """
    file = _cache_file(issuer)
    if not fresh and (kept := _kept(file)) is not None:
        return kept
    configuration = configuration_of(issuer)
    address = configuration.get("jwks_uri")
    if not isinstance(address, str) or not is_protected(address):
        _unusable(issuer, "its discovery document names no https address of its keys")
    published = Published(configuration, answer_of(address, issuer))
    with suppress(OSError):  # a cache that cannot be written only costs two more requests next time
        write_private(file, json.dumps({"configuration": configuration, "keys": published.keys}))
    return published


def configuration_of(issuer: str) -> dict[str, Any]:
    """The discovery document of an issuer.

    Raises:
        ProviderUnavailable: when it cannot be fetched, or names another issuer.
    """
    configuration = answer_of(issuer.rstrip("/") + WELL_KNOWN, issuer)
    if configuration.get("issuer") != issuer:
        _unusable(issuer, "its discovery document is that of another issuer")
    return configuration


def answer_of(url: str, issuer: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON object in the response of an address, even if the response refuses a form.

    Raises:
        ProviderUnavailable: when the response is missing or is not a JSON object.
    """
    body = None if form is None else urlencode(form).encode()
    question = Request(url, data=body, headers={"Accept": "application/json"})  # noqa: S310 - its scheme was looked at
    try:
        with build_opener(_ProtectedRedirects).open(question, timeout=ANSWER_SECONDS) as answer:
            text = answer.read(ANSWER_BYTES_MAX)
    except HTTPError as refused:
        if form is None:
            _unusable(issuer, f"it responds with {refused.code} at {urlsplit(url).path}", refused)
        text = refused.read(ANSWER_BYTES_MAX)
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        _unusable(issuer, str(reason) or type(error).__name__, error)
    try:
        document = json.loads(text)
    except ValueError as error:
        _unusable(issuer, "its answer is not JSON", error)
    if not isinstance(document, dict):
        _unusable(issuer, "its answer is not a JSON object")
    return document


class _ProtectedRedirects(HTTPRedirectHandler):
    """Follows a redirect only if its target is as trustworthy as the first address."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if not is_protected(newurl):
            raise URLError("it redirects to an address without https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _cache_file(issuer: str) -> Path:
    from platformdirs import user_cache_path

    name = hashlib.sha256(issuer.encode()).hexdigest()
    return user_cache_path("alchemesh", appauthor=False) / "issuers" / f"{name}.json"


def _kept(file: Path) -> Published | None:
    try:
        if not 0 <= time.time() - file.stat().st_mtime < KEPT_SECONDS:
            return None
        kept = json.loads(file.read_bytes())
        return Published(dict(kept["configuration"]), dict(kept["keys"]), fresh=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _unusable(issuer: str, reason: str, error: Exception | None = None) -> NoReturn:
    raise ProviderUnavailable(
        f"the identity provider {issuer} cannot be reached: {reason}",
        hint="try again when it answers; identity.issuer of the platform file has its address",
    ) from error
