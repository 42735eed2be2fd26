"""The databases of the registry's tests."""

from tests.registry.conftest import environment, fresh_url, postgresql, registry_url

__all__ = ["environment", "fresh_url", "postgresql", "registry_url"]
