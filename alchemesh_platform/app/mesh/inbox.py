"""Read the inbox of a user, and notify people through the channels of the platform file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.app.events import Listener, Noted, ignore

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.observed.inbox import Item
    from alchemesh_platform.observed.notifications import Delivered
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry


def known_identity(platform: Platform) -> Identity | None:
    """The identity of the caller; None if it cannot be verified now. Reading needs none."""
    from alchemesh_platform.base.failure import Failure
    from alchemesh_platform.identity.identify import identify

    try:
        return identify(platform)
    except Failure:
        return None


def inbox(platform: Platform, actor: Identity) -> list[Item]:
    """The items that wait for a user: decisions, notices, ends of access, broken commitments; what is due first."""
    from alchemesh_platform.app.observe import reading

    with reading(platform) as registry:
        return items_of(registry, platform.environment, actor)


def items_of(registry: Registry | None, environment: str, actor: Identity) -> list[Item]:
    """The items of a user in an open registry; none without a registry."""
    from alchemesh_platform.observed.inbox import inbox_of

    return inbox_of(registry, environment, actor.subject, registry.now()) if registry is not None else []


def send(platform: Platform) -> Delivered:
    """Send every item and every transition of an incident that was not sent before, to the channels of the file."""
    from alchemesh_platform.app.observe import reading
    from alchemesh_platform.incidents.notifying import outbox
    from alchemesh_platform.observed.notifications import Delivered, deliver

    if platform.notify is None:
        return Delivered()
    with reading(platform) as registry:
        if registry is None:
            return Delivered()
        items = deliver(registry, platform.environment, platform.notify, registry.now())
        news = outbox.deliver(registry, platform.environment, platform.notify, registry.now())
        return Delivered(items.sent + news.number, (*items.failures, *news.failures))


def notify(platform: Platform, listen: Listener = ignore) -> None:
    """Send new items after an act of a user. A channel that does not answer is reported, and fails no act."""
    from alchemesh_platform.base.failure import Failure

    if platform.notify is None:
        return
    try:
        failures: tuple[Failure, ...] = send(platform).failures
    except Failure as failure:
        failures = (failure,)
    for failed in failures:
        listen(Noted(f"note: {failed.message}; {failed.hint}" if failed.hint else f"note: {failed.message}"))
