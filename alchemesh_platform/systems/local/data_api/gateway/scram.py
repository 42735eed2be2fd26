"""SCRAM-SHA-256 verifiers: the form in which a server stores a password.

Source: https://www.postgresql.org/docs/current/catalog-pg-authid.html. The library `scramp` computes the keys.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode

_MECHANISM = "SCRAM-SHA-256"
ITERATIONS = 4096  # PostgreSQL's default; credentials are random, so more iterations add no protection
_SALT_BYTES = 16


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """The text that a server stores. It verifies the password, and cannot be used to log in.

    Returns:
        ``SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>``, as PostgreSQL and PgBouncer read it.

    Raises:
        ValueError: when SCRAM does not allow the password, the salt or the number of iterations.
    """
    from scramp import ScramException, ScramMechanism

    salt = salt or secrets.token_bytes(_SALT_BYTES)
    try:
        _, stored_key, server_key, _ = ScramMechanism(_MECHANISM).make_auth_info(password, iterations, salt)
    except ScramException as error:
        raise ValueError(str(error)) from error
    return f"{_MECHANISM}${iterations}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def matches(kept: str, password: str) -> bool:
    """Whether a stored verifier belongs to this password."""
    try:
        _, numbers, _ = kept.split("$")
        iterations, _, salt = numbers.partition(":")
        expected = verifier(password, salt=b64decode(salt, validate=True), iterations=int(iterations))
    except ValueError:
        return False
    return hmac.compare_digest(expected, kept)


def _text(data: bytes) -> str:
    return b64encode(data).decode()
