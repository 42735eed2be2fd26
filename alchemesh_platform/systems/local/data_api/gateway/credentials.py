"""Credentials of a data API's consumers: random, told once, and kept as hashes only."""

from __future__ import annotations

import re
import secrets
import subprocess
from dataclasses import dataclass, field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.systems.local.data_api.gateway.scram import verifier
from alchemesh_platform.systems.local.data_api.programs import program

PASSWORD_BYTES = 32
# The user is also the name of a database: PgBouncer 1.18 holds 63 signs of it, and its configuration no quotes.
USER_MAX = 63
_USER_END_BYTES = 4
# The hash is to be slow where a password can be guessed. 256 random bits cannot be, at any speed.
_BCRYPT_COST = "4"
_HASH_SECONDS = 30.0


class CredentialFailed(Failure):
    """Raised when a credential cannot be made or kept."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """What is kept of a password: one hash for each server that checks it."""

    scram: str
    bcrypt: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential as it is told once."""

    user: str
    password: str = field(repr=False)


def new_password() -> str:
    """A password of 256 random bits, in signs that need no escaping in a URL."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def user_name(consumer: str, request: str) -> str:
    """The name a grant is known by at a data API: readable, and no other grant's.

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
    """What to keep of passwords, in their order.

    Raises:
        CredentialFailed: when they cannot be hashed.
    """
    command = (str(program("caddy")), "hash-password", "--bcrypt-cost", _BCRYPT_COST)
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in passwords
    ]
    found = []
    for process, password in zip(running, passwords, strict=True):
        try:
            said, _ = process.communicate(f"{password}\n", timeout=_HASH_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise CredentialFailed("a credential could not be hashed in time", hint="run again") from error
        if process.returncode != 0 or not said.startswith("$2"):
            raise CredentialFailed("a credential could not be hashed", hint="`caddy hash-password` does it: try that")
        found.append(Hashes(verifier(password), said.strip()))
    return found
