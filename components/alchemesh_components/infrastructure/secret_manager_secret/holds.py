"""The objects that hold the data of secret-manager-secret."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.gcp.held import secret
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.secret_manager_secret.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """The secret."""
    yield from secret(settings.gcp, wiring)
