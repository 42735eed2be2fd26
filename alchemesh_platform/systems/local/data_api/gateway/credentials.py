"""Credentials of a data API's consumers: random, shown once, and stored as hashes only."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.systems.local.data_api.gateway.scram import verifier

PASSWORD_BYTES = 32
# The user is also the name of a database. PgBouncer 1.18 allows 63 characters, and no quotes in its configuration.
USER_MAX = 63
_USER_END_BYTES = 4
# A slow hash protects passwords that can be guessed. 256 random bits cannot be guessed at any speed.
_BCRYPT_COST = 4


class CredentialFailed(Failure):
    """Raised when a credential cannot be issued or stored."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes of a password: one for each server that checks it."""

    scram: str
    bcrypt: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential, which is shown once."""

    user: str
    password: str = field(repr=False)


def new_password() -> str:
    """A password of 256 random bits, in characters that need no escaping in a URL."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def user_name(consumer: str, request: str) -> str:
    """The user name of a grant at a data API. It is readable and unique.

    Args:
        consumer: Address of the requester.
        request: Address of the request that the grant answers.

    Returns:
        Small letters, digits and underscores: ``operations_punctuality_1f0c9a2b``.
    """
    import hashlib

    readable = re.sub(r"[^a-z0-9]+", "_", consumer.lower()).strip("_") or "consumer"
    end = hashlib.sha256(request.encode()).hexdigest()[: 2 * _USER_END_BYTES]
    readable = readable[: USER_MAX - len(end) - 1].rstrip("_")
    return f"{readable if readable[0].isalpha() else f'c_{readable}'}_{end}"[-USER_MAX:]


def hashes_of(*passwords: str) -> list[Hashes]:
    """The hashes of passwords, in the order of the passwords."""
    return [Hashes(verifier(password), _bcrypt(password)) for password in passwords]


def _bcrypt(password: str) -> str:
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(_BCRYPT_COST, prefix=b"2a")).decode()
