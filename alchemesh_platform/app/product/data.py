"""List and delete data that stayed when its product or port was removed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from alchemesh_platform.app.events import Listener, Noted, ignore, notes_to

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.sdk.system.retained import Found, Retained


def retained(platform: Platform, address: str | None = None) -> Found:
    """The data of an environment that no deployed port or need has.

    Args:
        platform: The environment.
        address: A product, a port or a model; all by default.

    Raises:
        RegistryUnavailable: when the records of deployed products cannot be read.
    """
    from alchemesh_platform.deployment.emulation import resume
    from alchemesh_platform.deployment.recovery.retained import retained_data
    from alchemesh_platform.registry.store import Registry

    resume(platform)
    with Registry.open(platform.registry) as registry:
        return retained_data(registry, platform, address)


def delete(
    platform: Platform,
    data: Sequence[Retained],
    actor: Identity,
    *,
    take_over: str | None = None,
    listen: Listener = ignore,
) -> list[Retained]:
    """Delete retained data for good. The audit records each act.

    Args:
        platform: The environment.
        data: Data from :func:`retained`.
        actor: The identity that acts. It needs the right to destroy the product with its data.
        take_over: The reason to delete data of another team of the domain. The audit records it.
        listen: Receives a line for each slow step.

    Returns:
        The deleted data. Objects of a type that Alchemesh cannot delete stay.

    Raises:
        NotAllowed: when the actor may not destroy the product; before anything is deleted.
        StackLocked: when a run works on the product.
        StillDeployed: when the data was deployed again meanwhile.
    """
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.app.rights import check_recorded_right, record_take_over
    from alchemesh_platform.deployment.emulation import resume
    from alchemesh_platform.deployment.recovery.retained import delete_retained, remains_of
    from alchemesh_platform.registry.audit import Act, record_act
    from alchemesh_platform.registry.store import Registry

    deletable = sorted((one for one in data if one.is_deletable), key=lambda one: one.product)
    of_products = [(product, list(group)) for product, group in groupby(deletable, key=lambda one: one.product)]
    environment = platform.environment
    done: list[Retained] = []
    resume(platform)
    with Registry.open(platform.registry) as registry:
        rights = {
            product: check_recorded_right(
                registry,
                environment,
                actor,
                "destroy",
                Target.product(product),
                take_over=take_over,
                delete_data=True,
                listen=listen,
            )
            for product, _ in of_products
        }
        for product, group in of_products:
            record_take_over(registry, environment, actor, rights[product], Target.product(product), take_over)
            for one in delete_retained(registry, platform, product, group, notes_to(listen)):
                record_act(
                    registry,
                    Act(
                        environment=environment,
                        product=product,
                        operation="data delete",
                        address=one.owner,
                        actor=actor.subject,
                        issuer=actor.issuer,
                        detail={"kind": one.kind, "name": one.name, "contents": one.contents},
                    ),
                )
                listen(Noted(f"deleted {one.kind} {one.name}{f': {one.contents}' if one.contents else ''}"))
                if remains := remains_of(one):
                    listen(Noted(f"{one.kind} {one.name}: {remains}"))
                done.append(one)
    return done
