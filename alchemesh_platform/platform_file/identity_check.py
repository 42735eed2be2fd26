"""Checks of the identity provider of one environment, with everything that it extends merged in."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.base.web_address import is_protected
from alchemesh_platform.documents.document import Node, Path, quoted, written

OIDC = "oidc"
_NEEDED = {
    "issuer": ("the address of an OpenID Connect issuer", "for example issuer: https://login.acme.example"),
    "audience": ("whom tokens have to be meant for", "for example audience: alchemesh; others' tokens would pass"),
}


def identity_problems(environment: Node, path: Path) -> Iterator[Problem]:
    """The problems of the identity provider of an environment at a path of the platform file."""
    identity = environment.keys.get("identity")
    provider = identity.keys.get("provider") if identity is not None else None
    if identity is None or provider is None or provider.text != OIDC:
        return
    for key, (expected, hint) in _NEEDED.items():
        node = identity.keys.get(key)
        if node is None or node.value is None or node.value == "":
            place = provider.location if node is None else node.location
            yield Problem(place, written((*path, "identity", key)), f"found nothing, expected {expected}", hint)
    issuer = identity.keys.get("issuer")
    if issuer is not None and issuer.text and not is_protected(issuer.text):
        yield Problem(
            issuer.location,
            written((*path, "identity", "issuer")),
            f"found {quoted(issuer.text)}, expected an address that begins with https://",
            "without it, anybody on the network could impersonate the issuer; http:// is for this machine alone",
        )
