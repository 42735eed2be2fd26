"""The credentials that members of consumers hold: list them, and end those of members who left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.app.events import Listener, Noted, ignore, notes_to
from alchemesh_platform.registry.store import Registry

if TYPE_CHECKING:
    from alchemesh_platform.access.grants.holders import Ended
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import CredentialRecord


def held(platform: Platform, *, request: str | None = None) -> list[CredentialRecord]:
    """The credentials that members of consumers hold, without secrets; only those of a request if one is given."""
    from alchemesh_platform.access.grants.holders import holders

    with Registry.open(platform.registry) as registry:
        return holders(registry, platform.environment, request=request)


def end_credentials(
    registry: Registry, environment: str, actor: Identity, product: str | None = None, *, listen: Listener = ignore
) -> list[Ended]:
    """End the credentials of members who left, and of access that is over or has expired.

    Args:
        registry: The registry of the environment.
        environment: Name of the environment.
        actor: The acting identity, for the audit.
        product: Only for the ports of this product.
        listen: Receives a line for each credential.
    """
    from alchemesh_platform.access.grants.holders import end_former_credentials

    ended = end_former_credentials(registry, environment, actor, product=product, report=notes_to(listen))
    for each in ended:
        listen(Noted(f"the credential of {each.holder} for {each.port} ({each.request}) was ended: {each.reason}"))
    return ended
