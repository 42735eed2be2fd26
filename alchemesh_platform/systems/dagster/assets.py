"""Keys of assets: domain, product, port and model, the same in Dagster and in the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Key = tuple[str, ...]


def own_assets(owner: str, connections: Mapping[str, Any]) -> Iterator[Key]:
    """The keys of the assets of a product.

    Args:
        owner: Address of the code: domain, product and ``code``.
        connections: The connections of the code.
    """
    product = owner.split("/")[:2]
    for name, port in sorted((connections.get("outputs") or {}).items()):
        yield from ((*product, name, model) for model in _models(port))


def read_assets(upstream: Mapping[str, str], connections: Mapping[str, Any]) -> Iterator[Key]:
    """The keys of the assets of other products that the code reads.

    Args:
        upstream: Output port of another product, ``domain/product/port``, by the name of the input port.
        connections: The connections of the code.
    """
    found = {
        (*origin.split("/"), model)
        for name, origin in upstream.items()
        for model in _models((connections.get("inputs") or {}).get(name) or {})
    }
    yield from sorted(found)


def _models(port: Mapping[str, Any]) -> list[str]:
    """The models of a port: its tables, or its topics."""
    storage = port.get("storage") or {}
    return sorted(storage.get("tables") or storage.get("topics") or ())
