"""Checks of secret-manager-secret before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.checks import key_in_reach
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.secret_manager_secret.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the key is in the location of the secret."""
    yield from key_in_reach(settings.gcp.encryption_keys.secret_manager, settings.gcp.region, "secrets")
