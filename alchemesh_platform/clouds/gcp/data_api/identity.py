"""The caller of a request on Cloud Run, from the identity token that Cloud Run has checked.

Cloud Run answers only callers with the right to invoke the service, and passes their token on. If a request has both
headers, Cloud Run checks ``X-Serverless-Authorization`` only, and the other one is the client's own.

Source: https://cloud.google.com/run/docs/authenticating/service-to-service
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from alchemesh_platform.systems.local.data_api.http.problems import Problem

CHECKED_FIRST, CHECKED = b"x-serverless-authorization", b"authorization"
_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_.-]*)")
_DIGITS = 24


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request.

    Args:
        name: Email of the person or service account; its id if the token has no email.
        role: Name of its role in PostgreSQL.
    """

    name: str
    role: str


def caller_of(headers: Sequence[tuple[bytes, bytes]]) -> Caller:
    """The caller of a request.

    Raises:
        Problem: when the request has no token, or several.
    """
    for header in (CHECKED_FIRST, CHECKED):
        values = [value for name, value in headers if name.lower() == header]
        if values:
            name = _subject(values[0].decode("latin-1")) if len(values) == 1 else None
            if name is None:
                break
            return Caller(name, f"c_{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}")
    raise Problem(
        HTTPStatus.UNAUTHORIZED,
        "the request has no identity token",
        hint="send the header `Authorization: Bearer TOKEN`, such as `gcloud auth print-identity-token` prints",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _subject(header: str) -> str | None:
    found = _BEARER.fullmatch(header.strip())
    if found is None:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4)))
    except (ValueError, binascii.Error):
        return None
    if not isinstance(claims, dict):
        return None
    name = claims.get("email") or claims.get("sub")
    return name if isinstance(name, str) and name else None
