"""The addresses at which the platform may call an identity provider."""

from __future__ import annotations

from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def is_protected(url: str) -> bool:
    """Whether responses from an address cannot be tampered with: https, or this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:  # such as an address with half of a bracket
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
