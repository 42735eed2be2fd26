"""The registry of the tests of bills, on each database."""

from __future__ import annotations

from tests.registry.conftest import environment, registry, registry_url

__all__ = ["environment", "registry", "registry_url"]
