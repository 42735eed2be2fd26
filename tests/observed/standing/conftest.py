"""The databases of the registry's tests."""

from tests.registry.conftest import environment, fresh_url, registry_url

__all__ = ["environment", "fresh_url", "registry_url"]
