"""SCRAM-SHA-256: what a server keeps of a password, and what a client proves with it.

Source: RFC 5802, RFC 7677, https://www.postgresql.org/docs/current/sasl-authentication.html. The platform asks its own
data APIs with it at every preview: the PostgreSQL drivers that know SCRAM take half a second to import.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode

MECHANISM = "SCRAM-SHA-256"
ITERATIONS = 4096  # PostgreSQL's default; credentials are random, so more would protect nothing
_SALT_BYTES = 16
_NO_CHANNEL_BINDING = "n,,"


class ScramFailed(Exception):
    """Raised when the server's half of the exchange is not what it should be."""


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """What a server stores: it can check the password with it, and nobody can log in with it.

    Returns:
        ``SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>``, as PostgreSQL and PgBouncer read it.
    """
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    client_key, server_key = _keys(password, salt, iterations)
    stored_key = hashlib.sha256(client_key).digest()
    return f"{MECHANISM}${iterations}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def matches(kept: str, password: str) -> bool:
    """Whether what a server stores is of this password."""
    try:
        _, numbers, _ = kept.split("$")
        iterations, _, salt = numbers.partition(":")
        with_context_options = verifier(password, salt=b64decode(salt, validate=True), iterations=int(iterations))
    except ValueError:
        return False
    return hmac.compare_digest(with_context_options, kept)


class ScramClient:
    """A client's half of one exchange. PostgreSQL takes the user from the start of the connection, not from here."""

    def __init__(self, password: str, *, nonce: str | None = None, user: str = "") -> None:
        self._password = password
        self._nonce = nonce or _text(secrets.token_bytes(18))
        self._first = f"n={user},r={self._nonce}"
        self._signature = b""

    def first(self) -> str:
        """The client's first message."""
        return _NO_CHANNEL_BINDING + self._first

    def final(self, server_first: str) -> str:
        """The client's last message, with the proof.

        Raises:
            ScramFailed: when the server's message is not an answer to the first.
        """
        try:
            fields = _fields(server_first)
            nonce, salt, iterations = fields["r"], b64decode(fields["s"], validate=True), int(fields["i"])
        except (KeyError, ValueError) as error:
            raise ScramFailed("the server's answer is not SCRAM") from error
        if not nonce.startswith(self._nonce) or iterations < 1:
            raise ScramFailed("the server answers to somebody else's question")
        client_key, server_key = _keys(self._password, salt, iterations)
        without_proof = f"c={_text(_NO_CHANNEL_BINDING.encode())},r={nonce}"
        messages = f"{self._first},{server_first},{without_proof}".encode()
        self._signature = hmac.digest(server_key, messages, "sha256")
        client_signature = hmac.digest(hashlib.sha256(client_key).digest(), messages, "sha256")
        proof = bytes(left ^ right for left, right in zip(client_key, client_signature, strict=True))
        return f"{without_proof},p={_text(proof)}"

    def check(self, server_final: str) -> None:
        """Hold the server to knowing the password's keys as well.

        Raises:
            ScramFailed: when it does not.
        """
        if not hmac.compare_digest(_fields(server_final).get("v", ""), _text(self._signature)):
            raise ScramFailed("the server does not know this credential")


def _keys(password: str, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return hmac.digest(salted, b"Client Key", "sha256"), hmac.digest(salted, b"Server Key", "sha256")


def _fields(message: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition("=") for part in message.split(","))}


def _text(data: bytes) -> str:
    return b64encode(data).decode()
