"""The databases of the registry's tests, and meshes to apply."""

from __future__ import annotations

from tests.registry.conftest import environment, fresh_url, registry_url

__all__ = ["environment", "fresh_url", "registry_url"]
