"""The objects that hold the data of secrets-manager-secret."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.held import secret
from alchemesh_components.aws.settings import Settings
from alchemesh_components.infrastructure.secrets_manager_secret.models import Args
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    """The secret."""
    yield from secret(settings.aws, wiring)
