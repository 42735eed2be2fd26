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
    if identity is None:
        return
    if provider is None or provider.text != OIDC:
        yield from _unverified_pipelines(identity, path)
        return
    yield from _pipelines(identity, path)
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


def _unverified_pipelines(identity: Node, path: Path) -> Iterator[Problem]:
    """A pipeline needs a token, which only an OpenID Connect issuer gives."""
    pipelines = identity.keys.get("pipelines")
    if pipelines is not None and pipelines.value:
        yield Problem(
            pipelines.key_location,
            written((*path, "identity", "pipelines")),
            "found pipelines without an issuer that verifies their tokens",
            "write provider: oidc, with issuer and audience",
        )


def _pipelines(identity: Node, path: Path) -> Iterator[Problem]:
    """The problems of pipelines: issuers without https, and values of claims that match more than they seem to."""
    for item, pipeline in identity.each("pipelines"):
        place = (*path, "identity", *item)
        issuer = pipeline.keys.get("issuer")
        if issuer is not None and issuer.text and not is_protected(issuer.text):
            yield Problem(
                issuer.location,
                written((*place, "issuer")),
                f"found {quoted(issuer.text)}, expected an address that begins with https://",
                "without it, anybody on the network could impersonate the issuer; http:// is for this machine alone",
            )
        claims = pipeline.keys.get("claims")
        for name, value in (claims.keys if claims is not None else {}).items():
            if (
                value.text
                and "*" in value.text
                and not (value.text.endswith((":*", "/*")) and value.text.count("*") == 1)
            ):
                yield Problem(
                    value.location,
                    written((*place, "claims", name)),
                    f"found {quoted(value.text)}, expected a text, or one that ends with ':*' or '/*'",
                    "a star elsewhere would also match other repositories, such as acme/orders-of-others",
                )
