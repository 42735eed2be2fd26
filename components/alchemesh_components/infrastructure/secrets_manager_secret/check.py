"""Checks of secrets-manager-secret before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.checks import key_in_region
from alchemesh_components.aws.settings import Settings
from alchemesh_components.infrastructure.secrets_manager_secret.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the key is in the region of the secret."""
    yield from key_in_region(settings.aws.encryption_keys.secrets_manager, settings.aws, "secrets")
