"""The names that a part for one connection may be registered by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit


def names_of(connection: Any) -> Iterator[str]:
    """The names of a connection, the most exact one first: ``tables/delta``, ``files/gs``, and at last its kind."""
    kind = str(connection.kind)
    for attribute in ("format", "broker"):
        if found := getattr(connection, attribute, None):
            yield f"{kind}/{found}"
    for attribute in ("url", "sql", "rest", "graphql"):
        if address := getattr(connection, attribute, None):
            yield f"{kind}/{urlsplit(address).scheme}"
    yield kind
