"""Rights to give notice to consumers, and to override a notice period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.access.rights import PLATFORM_OWNER, NotAllowed, if_that_is_you, is_platform_owner
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.records import ProductRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def check_announces(registry: Registry, environment: str, product: str, identity: Identity) -> None:
    """Check that the user is the product's owner or a platform owner, who can give and withdraw notice.

    Raises:
        NotAllowed: for any other user. The message names the allowed users.
    """
    record = registry.get(ProductRecord, environment, product)
    owner = record.owner if record is not None else None
    if identity.subject == owner or is_platform_owner(registry, environment, identity):
        return
    who = f"{owner}, who owns {product}" if owner else f"the owner of {product}, which is not deployed"
    raise NotAllowed(
        f"{identity.subject} may not give or take back notice: that is for {who}, or for a platform owner",
        hint=if_that_is_you(identity, owner),
    )


def check_overrides(registry: Registry, environment: str, identity: Identity) -> None:
    """Check that the user is a platform owner, who can override a notice period.

    Raises:
        NotAllowed: for any other user.
    """
    if not is_platform_owner(registry, environment, identity):
        raise NotAllowed(
            f"{identity.subject} may not override a notice period: that is for a platform owner",
            hint=f"platform owners are users with the persona {PLATFORM_OWNER} in the mesh repo",
        )
